//! The grammar, asked on a thread of its own.
//!
//! Owns the one thread that parses, and what is refused before it is asked. squawk's parser descends on
//! the machine's stack: whoever overflows it is aborted, with no way to catch that. So a text is parsed
//! only when it has at most [`MAX_TOKENS`] tokens, on a stack of [`STACK_BYTES`].
//!
//! Bounding tokens bounds every construct, known or not, because a descent consumes tokens. Measured over
//! some 70 constructs that nest (brackets, signs, NOT, CASE, sub-selects, joins, calls, window clauses,
//! EXPLAIN, PREPARE, ..), the hungriest takes 0.6 KB of stack a token where the parser is optimised as in
//! this crate's `dev` profile, and 3.6 KB where it is not: 2.4 MB and 15 MB at the limit, so the stack has 26
//! and 4 times what is needed. It is committed as it is touched: the idle thread costs address space only,
//! and the deepest texts left 4 MB behind.
//!
//! The parser sees no literal: strings are empty, numbers are 0 or 1, comments are gone. It therefore
//! cannot descend into what a string holds (it would parse the body of an SQL function), and its answer
//! cannot repeat it. Its cost can grow with the square of the nesting; at the limit that is 50 to 200 ms,
//! so an answer is awaited for [`PATIENCE`] only, and a thread that is still busy is not asked.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use super::lexer::{Kind, Token};
use super::tree::{self, Parsed};

/// The name of the thread that parses, for panic hooks: what it panics with is caught, and no news.
pub const PARSER_THREAD: &str = "lockpit-parser";

/// Most tokens that are parsed.
pub(super) const MAX_TOKENS: usize = 4_096;

/// Longest text that is parsed, without its literals.
const MAX_BYTES: usize = 256 * 1024;

/// The stack of the thread that parses.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// How long an answer is awaited.
const PATIENCE: Duration = Duration::from_millis(50);

/// A text without secrets, and where the answer goes.
struct Request<T> {
    masked: String,
    answer: Sender<Option<T>>,
}

/// The thread that parses, and reads a `T` off the tree. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Parser<T = Parsed> {
    requests: Sender<Request<T>>,
    /// The answer that came too late, while it is still due.
    late: Option<Receiver<Option<T>>>,
    patience: Duration,
}

impl Parser {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no room for another thread.
    pub(super) fn start() -> io::Result<Parser> {
        Parser::with(tree::read)
    }
}

impl<T: Send + 'static> Parser<T> {
    /// Starts the thread with another way to read a text.
    ///
    /// # Errors
    /// As [`Parser::start`].
    pub(super) fn with(read: impl Fn(&str) -> Option<T> + Send + 'static) -> io::Result<Parser<T>> {
        let (requests, inbox) = channel();
        thread::Builder::new()
            .name(PARSER_THREAD.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || serve(&inbox, read))?;
        Ok(Parser { requests, late: None, patience: PATIENCE })
    }

    /// What the grammar says about a text that is complete; `None` when it refuses the text, when the text is
    /// too much for it, and when it does not answer in time.
    pub(super) fn parse(&mut self, tokens: &[Token<'_>]) -> Option<T> {
        if self.is_busy() {
            return None;
        }
        let (answer, reply) = channel();
        self.requests.send(Request { masked: mask(tokens)?, answer }).ok()?;
        match reply.recv_timeout(self.patience) {
            Ok(parsed) => parsed,
            // The parser panicked.
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.late = Some(reply);
                None
            }
        }
    }

    /// Whether the thread still works at a text whose answer came too late.
    pub(super) fn is_busy(&mut self) -> bool {
        if let Some(late) = &self.late
            && matches!(late.try_recv(), Err(TryRecvError::Empty))
        {
            return true;
        }
        self.late = None;
        false
    }

    /// The same thread, awaited for longer: for those who need the answer more than they need it soon.
    pub(super) fn patient(self) -> Parser<T> {
        Parser { patience: Duration::from_secs(60), ..self }
    }
}

/// The life of the thread. The tree never leaves it, because dropping a deep one descends too.
fn serve<T>(inbox: &Receiver<Request<T>>, read: impl Fn(&str) -> Option<T>) {
    for Request { masked, answer } in inbox {
        let Ok(parsed) = catch_unwind(AssertUnwindSafe(|| read(&masked))) else { continue };
        // Nobody waits for a late answer any more.
        let _ = answer.send(parsed);
    }
}

/// The text without literals and comments; `None` when it is not closed or too much for the parser.
fn mask(tokens: &[Token<'_>]) -> Option<String> {
    if tokens.iter().filter(|token| !token.is_blank()).count() > MAX_TOKENS {
        return None;
    }
    let mut masked = String::new();
    for token in tokens {
        match token.kind {
            Kind::OpenLiteral | Kind::Unread | Kind::OpenComment => return None,
            Kind::Space | Kind::Comment => masked.push(' '),
            Kind::Literal => masked.push_str("''"),
            Kind::Number => masked.push(if token.text == "0" { '0' } else { '1' }),
            _ => masked.push_str(token.text),
        }
    }
    (masked.len() <= MAX_BYTES).then_some(masked)
}
