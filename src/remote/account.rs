//! Names of this machine, its accounts and groups.
//!
//! Owns the look-up in `/etc/passwd` and `/etc/group`. A directory service may know more; then a number is the
//! name.

use std::fs;

/// The longest name that is taken for an operator's, in characters.
const MAX_NAME_CHARS: usize = 64;

/// The account's name, else `uid N`.
pub fn account_name(uid: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").ok().and_then(|passwd| name_of(&passwd, uid));
    known.unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of whoever runs this process: of the account, else `USER`, else the number.
pub fn own_name() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let known = fs::read_to_string("/etc/passwd").ok().and_then(|passwd| name_of(&passwd, uid));
    let known = known.or_else(|| std::env::var("USER").ok().and_then(|user| operator(&user)));
    known.unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of this machine, as it calls itself; empty where it has none.
pub fn host_name() -> String {
    operator(&rustix::system::uname().nodename().to_string_lossy()).unwrap_or_default()
}

/// The number of a group, by its name or its number.
pub fn group_id(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    id_of(&groups, name).or_else(|| name.parse().ok())
}

/// A name that may be shown and logged: without control characters, not too long. `None` when nothing is left.
pub(crate) fn operator(text: &str) -> Option<String> {
    let name: String = text.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.starts_with(['#', '+', '-']))?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| operator(name)).flatten()
    })
}

fn id_of(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name && !name.is_empty()).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_accounts_and_number_groups() {
        let passwd =
            "# users\nroot:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n+\nbroken\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(name_of(passwd, 7), None);
        let groups = "root:x:0:\ndba:x:1001:ann,bob\nbroken\n:x:5:\n";
        assert_eq!(id_of(groups, "dba"), Some(1001));
        assert_eq!((id_of(groups, "ann"), id_of(groups, ""), id_of(groups, "broken")), (None, None, None));
    }

    #[test]
    fn an_operator_is_shown_without_control_characters() {
        assert_eq!(operator(" al\u{1b}[31mice\n").as_deref(), Some("al[31mice"));
        assert_eq!(operator("\u{7}\n "), None);
        assert_eq!(operator(&"x".repeat(500)).map(|name| name.len()), Some(64));
    }
}
