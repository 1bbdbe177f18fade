//! What a style can mean.
//!
//! Owns the list of meanings and their names in theme files. Never a colour.

macro_rules! meanings {
    ($($variant:ident $scope:literal $doc:literal,)+) => {
        /// What something on a screen means; a theme gives it a style.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Meaning {
            $(#[doc = $doc] $variant,)+
        }

        impl Meaning {
            /// Every meaning.
            pub const ALL: [Self; [$($scope),+].len()] = [$(Self::$variant),+];

            /// Its name in theme files. The part before a dot is its parent.
            pub const fn scope(self) -> &'static str {
                match self {
                    $(Self::$variant => $scope,)+
                }
            }
        }
    };
}

meanings! {
    Screen "screen" "The ground of everything, and the text's colour on it: drawn first, over the whole screen.",
    Text "text" "Plain text. Every other meaning without a style looks like this.",
    Muted "muted" "Text that matters less.",
    Title "title" "The title of a box.",
    Column "column" "The name of a table's column.",
    Border "border" "A box.",
    BorderFocus "border.focus" "The box that keys go to.",
    Header "header" "The header's lines.",
    HeaderLabel "header.label" "The label of the server, such as PROD.",
    Selection "selection" "The selected row: drawn last, over the row.",
    SelectionUnfocused "selection.unfocused" "The selected row of a box that keys do not go to.",
    Ok "ok" "As it should be.",
    Warn "warn" "Needs an eye.",
    Danger "danger" "Harms, or will.",
    Unknown "unknown" "Not known, for a reason that is said.",
    GuardWatching "guard.watching" "The guard watches and does not act.",
    GuardShadow "guard.shadow" "The guard decides and does not act.",
    GuardArmed "guard.armed" "The guard acts.",
    GuardTripped "guard.tripped" "The guard has acted.",
    GuardBlind "guard.blind" "The guard has no facts.",
    LockRoot "lock.root" "A backend that blocks others and does not wait.",
    LockHead "lock.head" "The waiting backend others queue behind.",
    LockTarget "lock.target" "The work under guard.",
    LockVictim "lock.victim" "A client that waits because of the target.",
    LockBystander "lock.bystander" "A waiting backend that is no victim.",
    StateActive "state.active" "A session that runs a statement.",
    StateIdle "state.idle" "A session that does nothing.",
    StateIdleInTransaction "state.idle_in_transaction" "A session that does nothing and holds its locks.",
    StateMasked "state.masked" "A session this login may not see into.",
    ProgressDone "progress.done" "The part of a bar that is done.",
    ProgressRest "progress.rest" "The part of a bar that is not.",
    Spark "spark" "A sparkline.",
    Limit "limit" "A limit, beside what it limits.",
    Key "key" "A key that does something here.",
    KeyOff "key.off" "A key that does nothing here.",
    Frozen "frozen" "The display stands still while the flight goes on.",
    Replay "replay" "What is shown is not now.",
    Presenter "presenter" "Others look at this screen.",
    Popup "popup" "A box over the screen.",
    PopupDanger "popup.danger" "A box that asks before something is stopped.",
    Input "input" "Text that is being typed.",
    Match "match" "What a filter found.",
    Link "link" "Something that `enter` opens.",
    Marker "marker" "A marker of the operator's in the timeline.",
}

impl Meaning {
    /// Whether `scope` names a meaning or the parent of one.
    pub fn is_scope(scope: &str) -> bool {
        Self::scopes().any(|known| known == scope)
    }

    /// Every name that theme files may use: the meanings and their parents.
    pub fn scopes() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::scope).flat_map(|scope| std::iter::once(scope).chain(parent(scope)))
    }
}

/// The scope that lends its style: `guard` for `guard.armed`.
pub(super) fn parent(scope: &str) -> Option<&str> {
    scope.rsplit_once('.').map(|(parent, _)| parent)
}
