//! Collapsing lists: the part of a form that does not depend on how many constants a text has.
//!
//! Owns the items of a form while they come in, in time proportional to their number. Decides nothing
//! about how they are shown.

use std::ops::Range;

use super::lexer::{Kind, Token};

/// A token of the form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    /// What it is in the form.
    pub kind: ItemKind,
    /// Its text; of a constant its value as written, empty where that is not known.
    pub text: &'a str,
    /// Of a constant: its signs make it negative.
    pub minus: bool,
    /// Whether space stands before it.
    pub gap: bool,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// A string, number or parameter, whatever its value.
    Constant,
    /// A keyword or a name without quotes.
    Word,
    /// An opening bracket.
    Open,
    /// A closing bracket.
    Close,
    /// A list of constants that was collapsed.
    Dots,
    /// A name in quotes.
    Name,
    /// Anything else.
    Other,
}

/// Words after which a sign is no subtraction or addition.
const BEFORE_OPERAND: &[&str] = &[
    "and",
    "between",
    "by",
    "default",
    "distinct",
    "else",
    "limit",
    "not",
    "offset",
    "or",
    "returning",
    "select",
    "then",
    "when",
];

impl<'a> Item<'a> {
    fn new(token: &Token<'a>, gap: bool) -> Item<'a> {
        let (kind, text) = match token.kind {
            Kind::Literal | Kind::Number | Kind::OpenLiteral => (ItemKind::Constant, token.text),
            Kind::Param | Kind::Unread => (ItemKind::Constant, ""),
            Kind::Word => (ItemKind::Word, token.text),
            Kind::Open => (ItemKind::Open, token.text),
            Kind::Close => (ItemKind::Close, token.text),
            Kind::Dots => (ItemKind::Dots, token.text),
            Kind::QuotedName => (ItemKind::Name, token.text),
            _ => (ItemKind::Other, token.text),
        };
        Item { kind, text, minus: false, gap }
    }

    fn is_word(&self, keyword: &str) -> bool {
        self.kind == ItemKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    fn is_other(&self, text: &str) -> bool {
        self.kind == ItemKind::Other && self.text == text
    }

    fn is_sign(&self) -> bool {
        self.is_other("-") || self.is_other("+")
    }

    /// Whether a sign after it belongs to the constant that follows the sign.
    fn expects_operand(&self) -> bool {
        match self.kind {
            ItemKind::Open | ItemKind::Other => true,
            ItemKind::Word => BEFORE_OPERAND.iter().any(|word| self.is_word(word)),
            ItemKind::Constant | ItemKind::Close | ItemKind::Dots | ItemKind::Name => false,
        }
    }

    /// Whether it is a value in a list: a constant, a word for one, or a collapsed list.
    fn is_value(&self) -> bool {
        matches!(self.kind, ItemKind::Constant | ItemKind::Dots)
            || ["null", "true", "false", "default"].iter().any(|word| self.is_word(word))
    }

    /// Whether both have the same form.
    fn same_form(&self, other: &Item<'_>) -> bool {
        (self.kind == other.kind && self.text == other.text) || (self.is_value() && other.is_value())
    }
}

/// A bracket that is open, or the text around all brackets.
#[derive(Debug, Default)]
struct Level {
    /// Index of the bracket among the items.
    open: usize,
    /// It may hold a list of constants.
    list: bool,
    /// It is a row of `VALUES`.
    row: bool,
    /// The rows directly inside this level, where there are any.
    rows: Option<Rows>,
}

/// Rows of one `VALUES`.
#[derive(Debug, Clone)]
struct Rows {
    /// The items of the first one.
    first: Range<usize>,
    /// Where the last one that was kept ends.
    end: usize,
}

/// The items of a text that comes in.
#[derive(Debug)]
pub(super) struct Form<'a> {
    items: Vec<Item<'a>>,
    /// The text outside of all brackets, and the brackets that are open.
    levels: Vec<Level>,
}

impl<'a> Form<'a> {
    /// The items of a text; `whole` unless the text is a form that was cut short.
    pub(super) fn of(tokens: &[Token<'a>], whole: bool) -> Vec<Item<'a>> {
        let mut form = Form { items: Vec::with_capacity(tokens.len()), levels: vec![Level::default()] };
        let mut gap = false;
        for token in tokens {
            if token.is_blank() {
                gap = true;
                continue;
            }
            let item = Item::new(token, gap);
            gap = false;
            match item.kind {
                ItemKind::Open => form.open(item),
                ItemKind::Close => form.close(item),
                ItemKind::Constant => form.constant(item),
                _ => form.items.push(item),
            }
        }
        if whole {
            form.end();
        }
        form.items
    }

    fn inner(&mut self) -> &mut Level {
        self.levels.last_mut().expect("the outermost level is never closed")
    }

    /// A constant takes its signs in: whether it is negative is part of its value.
    fn constant(&mut self, mut item: Item<'a>) {
        while let [before @ .., sign] = &self.items[..]
            && sign.is_sign()
            && before.last().is_none_or(Item::expects_operand)
        {
            item.gap |= sign.gap;
            item.minus ^= sign.text == "-";
            self.items.pop();
        }
        self.items.push(item);
    }

    fn open(&mut self, item: Item<'a>) {
        let at = self.items.len();
        let before = self.items.last().copied();
        let after = |keyword: &str| before.is_some_and(|item| item.is_word(keyword));
        let first_row = after("values");
        let next_row = before.is_some_and(|item| item.is_other(","))
            && self.inner().rows.as_ref().is_some_and(|rows| rows.end + 1 == at);
        if !next_row {
            self.inner().rows = None;
        }
        let row = first_row || next_row;
        self.levels.push(Level { open: at, list: row || after("in") || after("array"), row, rows: None });
        self.items.push(item);
    }

    fn close(&mut self, item: Item<'a>) {
        if self.levels.len() == 1 {
            self.items.push(item);
            return;
        }
        let level = self.levels.pop().expect("more than one level");
        if level.list && is_list(&self.items[level.open + 1..], true, false) {
            self.collapse(level.open);
        }
        self.items.push(item);
        if level.row {
            self.row_ended(level.open);
        }
    }

    /// Puts dots in the place of everything after the bracket at `open`.
    fn collapse(&mut self, open: usize) {
        self.items.truncate(open + 1);
        self.items.push(Item { kind: ItemKind::Dots, text: "...", minus: false, gap: false });
    }

    /// Drops the row that begins at `open` and ends here, if it has the form of the first one.
    fn row_ended(&mut self, open: usize) {
        let end = self.items.len();
        let Some(rows) = self.inner().rows.clone() else {
            self.inner().rows = Some(Rows { first: open..end, end });
            return;
        };
        let (first, this) = (&self.items[rows.first.clone()], &self.items[open..]);
        if first.len() == this.len() && begins_like(first, this) {
            self.items.truncate(rows.end);
        } else {
            self.inner().rows = Some(Rows { end, ..rows });
        }
    }

    /// Does for lists that a cut left open what [`Form::close`] does for closed ones.
    fn end(&mut self) {
        while let Some(level) = self.levels.pop() {
            if level.list && is_list(&self.items[level.open + 1..], true, true) {
                self.collapse(level.open);
            }
            let rows_around = self.levels.last().and_then(|outer| outer.rows.clone());
            if let Some(rows) = rows_around.filter(|_| level.row)
                && begins_like(&self.items[rows.first.clone()], &self.items[level.open..])
            {
                self.items.truncate(rows.end);
            } else if let Some(rows) = level.rows
                && let [comma] = &self.items[rows.end..]
                && comma.is_other(",")
            {
                self.items.truncate(rows.end);
            }
        }
    }
}

/// Whether `row` has the form of `first`, as far as it goes.
fn begins_like(first: &[Item<'_>], row: &[Item<'_>]) -> bool {
    row.len() <= first.len() && first.iter().zip(row).all(|(a, b)| a.same_form(b))
}

/// Whether the items are a list of values: cast, or in rows (where `rows` allows them), separated
/// by commas. With `cut`, the beginning of such a list will do.
fn is_list(mut items: &[Item<'_>], rows: bool, cut: bool) -> bool {
    loop {
        let Some(rest) = value(items, rows, cut) else { return false };
        match rest {
            [] => return true,
            [comma, rest @ ..] if comma.is_other(",") => items = rest,
            _ => return false,
        }
    }
}

/// What follows the value at the start of `items`; `None` when there is no value.
fn value<'i, 'a>(items: &'i [Item<'a>], rows: bool, cut: bool) -> Option<&'i [Item<'a>]> {
    let mut rest = match items {
        [] => return cut.then_some(items),
        [first, rest @ ..] if first.is_value() => rest,
        [first, inside @ ..] if rows && first.kind == ItemKind::Open => {
            match inside.iter().position(|item| matches!(item.kind, ItemKind::Open | ItemKind::Close)) {
                Some(end) if inside[end].kind == ItemKind::Close && is_list(&inside[..end], false, false) => {
                    &inside[end + 1..]
                }
                None if cut && is_list(inside, false, true) => &[],
                _ => return None,
            }
        }
        _ => return None,
    };
    while let [cast, after @ ..] = rest
        && cast.is_other("::")
    {
        rest = type_name(after, cut)?;
    }
    Some(rest)
}

/// What follows the type at the start of `items`: `int`, `pg_catalog.int4`, `numeric(10,2)`, `text[]`.
fn type_name<'i, 'a>(items: &'i [Item<'a>], cut: bool) -> Option<&'i [Item<'a>]> {
    let mut rest = match items {
        [] => return cut.then_some(items),
        [name, rest @ ..] if name.kind == ItemKind::Word => rest,
        _ => return None,
    };
    while let [dot, name, after @ ..] = rest
        && dot.is_other(".")
        && name.kind == ItemKind::Word
    {
        rest = after;
    }
    while let [open, inside @ ..] = rest
        && open.kind == ItemKind::Open
    {
        let values = inside.iter().take_while(|item| item.is_value() || item.is_other(",")).count();
        rest = match &inside[values..] {
            [close, after @ ..] if close.kind == ItemKind::Close => after,
            [] if cut => &[],
            _ => return None,
        };
    }
    Some(rest)
}
