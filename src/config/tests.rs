use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("a/config.toml"), text).map_err(|error| error.to_string())
}

/// The file after one comment mark has been taken from each line.
fn unmarked(text: &str) -> String {
    text.lines().map(|line| line.strip_prefix('#').unwrap_or(line).to_owned() + "\n").collect()
}

#[test]
fn the_default_file_changes_nothing_and_without_its_marks_says_the_defaults() {
    let text = Config::default_text();
    assert_eq!(parse(&text), Ok(Config::default()));
    let table: toml::Table = text.parse().expect("TOML");
    assert!(table.is_empty(), "every setting is commented out: {text}");

    let open = unmarked(&text);
    assert_eq!(parse(&open), Ok(Config::default()), "{open}");
    let table: toml::Table = open.parse().expect("TOML");
    let names: Vec<&str> = table.keys().map(String::as_str).collect();
    assert_eq!(names, ["glyphs", "keys", "operator", "theme"], "every setting is there");
    for name in names {
        let line = format!("# {name} =");
        let before = text.lines().take_while(|of| !of.starts_with(&line) && *of != "# [keys]");
        assert!(before.last().is_some_and(|said| said.starts_with("## ")), "{name} is explained: {text}");
    }
}

#[test]
fn what_is_not_default_is_written_and_read_again() {
    let keys = [("quit", vec!["Q", "ctrl-c"]), ("odd \"name\"", vec![])];
    let config = Config {
        theme: "tab\t\"quoted\" \\ ä".to_owned(),
        glyphs: Glyphs::Ascii,
        operator: Some("alice".to_owned()),
        keys: keys.map(|(of, keys)| (of.to_owned(), keys.into_iter().map(str::to_owned).collect())).into(),
    };
    assert_eq!(parse(&unmarked(&defaults::text(&config))), Ok(config));
}

#[test]
fn settings_are_read_and_the_others_keep_their_defaults() {
    let config = parse("glyphs = \"wgl4\"\n[keys]\nquit = \"Q\"\narm = [\"A\", \"f9\"]\nmark = []\n");
    let config = config.expect("a good file");
    assert_eq!((config.glyphs, config.theme), (Glyphs::Wgl4, Config::default().theme));
    let keys: Vec<(&str, usize)> = config.keys.iter().map(|(name, keys)| (&**name, keys.len())).collect();
    assert_eq!(keys, [("arm", 2), ("mark", 0), ("quit", 1)]);
    assert_eq!(config.keys["quit"], ["Q"]);
    assert_eq!(parse("operator = \"\"").expect("good").operator, None);
    assert_eq!(parse("operator = \"bob\"").expect("good").operator.as_deref(), Some("bob"));
    assert_eq!(parse(""), Ok(Config::default()));
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_what_was_meant() {
    let cases = [
        ("# one\n\nthmee = \"x\"\n", 3, vec!["thmee"]),
        ("# one\nthem = \"x\"\n", 2, vec!["unknown field `them`", "did you mean `theme`?"]),
        ("[kyes]\nquit = \"q\"\n", 1, vec!["unknown field `kyes`", "did you mean `keys`?"]),
        ("theme = \"x\"\nglyphs = \"acsii\"\n", 2, vec!["acsii", "did you mean `ascii`?"]),
        ("glyphs = \"unicode\"\n", 1, vec!["unicode", "full", "wgl4", "ascii"]),
        ("\n\ntheme = 3\n", 3, vec!["invalid type"]),
        ("[keys]\nquit = \"q\"\narm = 7\n", 3, vec!["a key such as", "list of keys"]),
        ("[keys]\narm = [\"a\",\n  7]\n", 3, vec!["invalid type"]),
        ("theme = \"x\"\ntheme = \"y\"\n", 2, vec!["duplicate"]),
        ("theme = \"x\n", 1, vec![""]),
    ];
    for (text, line, words) in cases {
        let why = parse(text).expect_err(text);
        assert!(why.starts_with(&format!("a/config.toml, line {line}: ")), "{text:?}: {why}");
        assert!(!why.contains('\n'), "{why:?}");
        for word in words {
            assert!(why.contains(word), "{word:?} is not in {why:?}");
        }
    }
    let far = parse("colour = 1").expect_err("not known");
    assert!(!far.contains("did you mean"), "{far}");
}

#[test]
fn a_file_that_is_not_there_is_fine_unless_it_was_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    assert_eq!(Config::load(&path).expect("no file"), Config::default());
    let why = Config::find_by(Some(path.clone().into())).expect_err("it was named").to_string();
    assert!(why.contains("config.toml") && why.contains("cannot be read"), "{why}");

    std::fs::write(&path, "theme = \"mine\"\n").expect("a file");
    assert_eq!(Config::load(&path).expect("a file").theme, "mine");
    assert_eq!(Config::find_by(Some(path.clone().into())).expect("a file").theme, "mine");

    let bytes: [&[u8]; 2] = [b"theme = \"\xff\"\n", &vec![b'#'; 2 << 20]];
    for unreadable in bytes {
        std::fs::write(&path, unreadable).expect("a file");
        assert!(matches!(Config::load(&path), Err(ConfigError::Unreadable { .. })));
    }
    assert!(matches!(Config::load(folder.path()), Err(ConfigError::Unreadable { .. })), "a folder");
}
