//! The command line of the built program: help, messages, exit codes.

#[path = "support/mod.rs"]
mod support;

use std::process::Stdio;

use clap::Command;
use lockpit::demo::server::ServerOptions;
use rustix::process::Signal;
use support::{Cluster, LONG, Program, cluster, versions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Runs lockpit to its end: exit code, standard output, standard error.
async fn run(args: &[&str]) -> (i32, String, String) {
    let mut program = Program::lockpit_with(args, |command| {
        // It would be the width of help.
        command.env_remove("COLUMNS");
    });
    let exit = program.exit(LONG).await;
    (exit, program.stdout(), program.stderr())
}

/// `attach --headless` to a place that cannot be attached to: exit 3, nothing on standard output, and a message.
async fn unreachable(conninfo: &str, more: &[&str]) -> String {
    let args = [&["attach", "--headless", "--no-record", "-w", conninfo][..], more].concat();
    let (exit, stdout, stderr) = run(&args).await;
    assert_eq!((exit, &*stdout), (3, ""), "{conninfo}: {stderr}");
    stderr
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[tokio::test]
async fn an_address_that_never_answers_is_said() {
    // The kernel connects, and nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let message =
        unreachable(&format!("host=127.0.0.1 port={port} user=u dbname=d connect_timeout=2"), &[]).await;
    says(&message, &["127.0.0.1", "connect_timeout"]);
    let message = unreachable("host=no-such-host.invalid user=u dbname=d connect_timeout=5", &[]).await;
    says(&message, &["no-such-host.invalid", "check the host's name"]);
}

#[tokio::test]
async fn a_refused_port_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let message = unreachable(&format!("host=127.0.0.1 port={port} user=u dbname=d"), &[]).await;
    says(&message, &[&port.to_string(), "is the server running"]);
}

#[tokio::test]
async fn a_port_of_something_else_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let something = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 512];
            let _ = stream.read(&mut bytes).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
        }
    });
    let message = unreachable(&format!("host=127.0.0.1 port={port} user=u dbname=d"), &[]).await;
    something.abort();
    says(&message, &["PostgreSQL", "check host and port"]);
}

#[tokio::test]
async fn a_missing_database_is_said() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database_named("nowhere");
    let message = unreachable(&db.conninfo(), &[]).await;
    says(&message, &["nowhere", "psql -l"]);
    let message = unreachable(&db.conninfo().replace("user=postgres", "user=nobody_here"), &[]).await;
    says(&message, &["nobody_here"]);
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_said_and_not_shown() {
    let Some(version) = versions().last() else { return };
    let options = ServerOptions::default().auth("scram-sha-256", "the right one");
    let cluster = Cluster::fresh(version.major, options);
    let db = cluster.database_named("postgres");
    let message = unreachable(&format!("{} password=hunter2", db.conninfo()), &[]).await;
    says(&message, &["password", "check user and password"]);
    assert!(!message.contains("hunter2"), "{message}");
    let message = unreachable(&db.conninfo(), &[]).await;
    says(&message, &["password", ".pgpass"]);
    let message = unreachable(&db.conninfo(), &["--password-command", "echo hunter2"]).await;
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn a_misspelt_flag_is_named_right() {
    let flags = long_flags();
    assert!(flags.len() > 20, "{flags:?}");
    for (command, flag) in &flags {
        for dropped in 0..flag.len() {
            let letters = flag.char_indices().filter(|(i, _)| *i != dropped);
            let misspelt: String = letters.map(|(_, letter)| letter).collect();
            // Connecting must not even be tried; should it be, it fails with another code.
            let (exit, stdout, stderr) =
                run(&[command, &format!("--{misspelt}"), "--no-record", "host=127.0.0.1 port=1"]).await;
            assert_eq!((exit, &*stdout), (2, ""), "{command} --{misspelt}: {stderr}");
            let hint = stderr.lines().find(|line| line.contains("tip:") && line.contains("similar"));
            let right = hint.is_some_and(|hint| hint.contains(&format!("'--{flag}'")));
            assert!(right, "{command} --{misspelt} means --{flag}: {stderr}");
        }
    }
}

/// Every long flag of every subcommand.
fn long_flags() -> Vec<(String, String)> {
    let command = built();
    let of = |subcommand: &Command| {
        let name = subcommand.get_name().to_owned();
        let flags = subcommand.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
        flags.map(move |flag| (name.clone(), flag)).collect::<Vec<_>>()
    };
    command.get_subcommands().flat_map(of).collect()
}

/// The command line with what clap adds.
fn built() -> Command {
    let mut command = lockpit::cli::command();
    command.build();
    command
}

#[tokio::test]
async fn a_bare_word_is_no_connection_string() {
    // Where a connection would go, if one were tried.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port().to_string();
    for word in ["nonsense", "postgres", "attatch"] {
        let mut program = Program::lockpit_with([word], |command| {
            command.env("PGHOST", "127.0.0.1").env("PGPORT", &port);
        });
        assert_eq!(program.exit(LONG).await, 2, "{word}");
        says(&program.stderr(), &[word]);
    }
    let knock = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(knock.is_err(), "nobody has connected");
    says(&run(&["attatch"]).await.2, &["attach"]);
}

#[tokio::test]
async fn a_bare_connection_string_attaches() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("bare").await;
    let uri = format!("postgres://postgres@127.0.0.1:{}/{}", cluster(version.major).server().port(), db.name);
    for conninfo in [db.conninfo(), uri.replace("postgres://", "postgresql://"), uri] {
        let mut program = Program::lockpit([&conninfo, "--headless", "--no-record"]);
        let first = program.line("the first line", LONG, |line| line["type"] == "flight").await;
        assert!(first["server"].as_str().is_some_and(|server| server.ends_with(&db.name)), "{first}");
        program.signal(Signal::INT);
        assert_eq!(program.exit(LONG).await, 0, "{conninfo}");
    }
}

#[tokio::test]
async fn help_is_what_it_was() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/cli");
    let _bound = settings.bind_to_scope();
    let (exit, help, stderr) = run(&["--help"]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    insta::assert_snapshot!("lockpit", help);
    assert_eq!(run(&["-?"]).await.0, 0);
    for subcommand in built().get_subcommands() {
        let name = subcommand.get_name();
        let (exit, help, stderr) = run(&[name, "--help"]).await;
        assert_eq!((exit, &*stderr), (0, ""), "{name}");
        insta::assert_snapshot!(name, help);
        let (exit, short, stderr) = run(&[name, "-?"]).await;
        assert_eq!((exit, &*stderr), (0, ""), "{name}");
        assert!(short.contains("Usage: lockpit "), "{name}: {short}");
    }
}

#[tokio::test]
async fn without_arguments_help_is_an_error() {
    let (exit, stdout, stderr) = run(&[]).await;
    assert_eq!((exit, &*stdout), (2, ""), "nothing was asked for: it is on standard error");
    says(&stderr, &["Usage: lockpit", "attach", "Exit codes:"]);
}

#[tokio::test]
async fn help_into_a_closed_pipe_is_no_crash() {
    let mut program =
        Program::start(tokio::process::Command::new(env!("CARGO_BIN_EXE_lockpit")), |command| {
            command.arg("--help").stdout(Stdio::piped());
        });
    assert_eq!(program.exit(LONG).await, 0, "{}", program.stderr());
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", "\"$0\" attach --help | head -1", env!("CARGO_BIN_EXE_lockpit")]);
    let mut program = Program::start(shell, |_| {});
    assert_eq!(program.exit(LONG).await, 0);
    assert_eq!((program.stdout().lines().count(), &*program.stderr()), (1, ""));
}

/// Every command with the path to it: `lockpit`, `lockpit-attach`, ...
fn pages(command: &Command, name: &str) -> Vec<(String, Command)> {
    let mut pages = vec![(name.to_owned(), command.clone())];
    for subcommand in command.get_subcommands() {
        pages.extend(pages_of(name, subcommand));
    }
    pages
}

fn pages_of(name: &str, subcommand: &Command) -> Vec<(String, Command)> {
    pages(subcommand, &format!("{name}-{}", subcommand.get_name()))
}

#[tokio::test]
async fn completions_know_every_command_and_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (exit, script, stderr) = run(&["generate", "completions", shell]).await;
        assert_eq!((exit, &*stderr), (0, ""), "{shell}");
        for (_, command) in pages(&built(), "lockpit") {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        for (command, flag) in long_flags() {
            assert!(script.contains(&flag), "{shell}: {command} --{flag}");
        }
    }
    let mut shell = tokio::process::Command::new("bash");
    shell.args(["-c", "set -o pipefail; \"$0\" generate completions bash | bash -n"]);
    shell.arg(env!("CARGO_BIN_EXE_lockpit"));
    let mut program = Program::start(shell, |_| {});
    assert_eq!((program.exit(LONG).await, program.stderr()), (0, String::new()));
    says(&run(&["generate", "completions", "cmd"]).await.2, &["cmd", "bash", "zsh"]);
}

#[tokio::test]
async fn the_manual_has_a_page_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("share/man1");
    let (exit, stdout, stderr) = run(&["generate", "man", "--out", out.to_str().expect("a path")]).await;
    assert_eq!((exit, &*stdout, &*stderr), (0, "", ""));
    let expected = pages(&built(), "lockpit");
    assert_eq!(std::fs::read_dir(&out).expect("the pages").count(), expected.len());
    for (name, command) in expected {
        let page = std::fs::read_to_string(out.join(format!("{name}.1"))).expect(&name);
        let plain = page.replace("\\-", "-");
        assert!(plain.starts_with(".ie") && plain.contains(&format!(".TH {name} 1")), "{name}: {plain}");
        for subcommand in command.get_subcommands() {
            assert!(plain.contains(&format!("{name}-{}(1)", subcommand.get_name())), "{name}: {plain}");
        }
        let flags = command.get_arguments().filter(|argument| !argument.is_hide_set());
        for flag in flags.filter_map(|argument| argument.get_long()) {
            assert!(plain.contains(&format!("--{flag}")), "{name} --{flag}: {plain}");
        }
    }
    let (exit, main, stderr) = run(&["generate", "man"]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    assert_eq!(main, std::fs::read_to_string(out.join("lockpit.1")).expect("the page").trim_end());
    groff_renders(&out.join("lockpit-attach.1"), &["OPTIONS", "queue-depth"]).await;
    let sections = ["EXIT STATUS", "SIGNALS", "FILES", "ENVIRONMENT", "KEYS", "LOCKPIT_OPERATOR"];
    groff_renders(&out.join("lockpit.1"), &sections).await;
}

#[tokio::test]
async fn the_table_of_keys_is_what_it_was() {
    let (exit, table, stderr) = run(&["generate", "keys"]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/cli");
    settings.bind(|| insta::assert_snapshot!("keys", table));
}

/// Where groff is installed, it has no complaint about the page, and shows these words.
async fn groff_renders(page: &std::path::Path, words: &[&str]) {
    let rendered = tokio::process::Command::new("groff")
        .args(["-man", "-Tutf8", "-P-cbou", "-ww"])
        .arg(page)
        .output()
        .await;
    let Ok(rendered) = rendered else { return };
    let complaints = String::from_utf8_lossy(&rendered.stderr);
    assert!(rendered.status.success() && complaints.is_empty(), "{complaints}");
    says(&String::from_utf8_lossy(&rendered.stdout), words);
}

#[tokio::test]
async fn the_generated_configuration_is_taken_and_a_wrong_one_is_said() {
    let (exit, text, stderr) = run(&["generate", "config"]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    assert_eq!(text, lockpit::config::Config::default_text().trim_end());

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let nowhere = format!("host=127.0.0.1 port={port} user=u dbname=d");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.toml");
    // With a file that is taken, the flight goes on to the server, which is not there.
    let cases = [
        (Some(&*text), 3, "is the server running"),
        (Some("# mine\noprator = \"bob\"\n"), 2, "mine.toml, line 2: unknown field `oprator`"),
        (Some("oprator = 1\n"), 2, "did you mean `operator`?"),
        (None, 2, "mine.toml cannot be read"),
    ];
    for (text, code, words) in cases {
        let _ = std::fs::remove_file(&path);
        if let Some(text) = text {
            std::fs::write(&path, text).expect("a file");
        }
        let args = ["attach", "--headless", "--no-record", "-w", &nowhere];
        let mut program = Program::lockpit_with(args, |command| {
            command.env("LOCKPIT_CONFIG", &path);
        });
        assert_eq!(program.exit(LONG).await, code, "{}", program.stderr());
        says(&program.stderr(), &[words]);
    }
}

#[tokio::test]
async fn the_operator_comes_from_the_configuration_unless_it_is_given() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("operators").await;
    for (args, operator) in [(vec![], "alice"), (vec!["--operator", "bob"], "bob")] {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("of.flight");
        let mut all =
            vec!["attach".to_owned(), db.conninfo(), "--headless".to_owned(), "--record".to_owned()];
        all.push(log.to_string_lossy().into_owned());
        all.extend(args.into_iter().map(str::to_owned));
        let mut program = Program::lockpit_with(&all, |command| {
            let home = folder.path().join("settings");
            std::fs::create_dir_all(home.join("lockpit")).expect("a folder");
            std::fs::write(home.join("lockpit/config.toml"), "operator = \"alice\"\n").expect("a file");
            command.env("XDG_CONFIG_HOME", home);
        });
        program.line("the first sample", LONG, |line| line["type"] == "sample").await;
        program.signal(Signal::INT);
        assert_eq!(program.exit(LONG).await, 0, "{}", program.stderr());
        let mut replay = lockpit::replay::Replay::open(&log).expect("a log");
        while replay.step().expect("a step").is_some() {}
        let begin = replay.cockpit().flight().expect("a beginning");
        assert_eq!(begin.operator.as_deref(), Some(operator));
    }
}
