//! The `hub` command.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn hub(dir: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have closed its stdin.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn from_nothing_to_a_joined_gateway() {
    let dir = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let output = hub(dir.path(), arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["init", "--dir", "h", "--host", "hub.example"]);
    let key_before = std::fs::read(dir.path().join("h/data/hub.key")).unwrap();
    std::fs::write(dir.path().join("h/sites.toml"), "").unwrap();
    run(&["init", "--dir", "h"]);
    assert_eq!(
        std::fs::read(dir.path().join("h/data/hub.key")).unwrap(),
        key_before
    );
    assert_eq!(
        std::fs::read(dir.path().join("h/sites.toml")).unwrap(),
        b"",
        "nothing is overwritten"
    );
    run(&["check", "--config", "h/hub.toml"]);
    let join: toml::Table = run(&[
        "gateway",
        "add",
        "gw-1",
        "--site",
        "yard",
        "--config",
        "h/hub.toml",
    ])
    .parse()
    .unwrap();
    let text = |key: &str| join["hub"][key].as_str().unwrap().to_owned();
    assert_eq!(
        (text("url"), text("gateway"), text("site")),
        (
            "https://127.0.0.1:8443".into(),
            "gw-1".into(),
            "yard".into()
        )
    );
    assert_eq!(text("key").len(), 43);
    assert_eq!(
        text("ca"),
        std::fs::read_to_string(dir.path().join("h/data/ca.pem")).unwrap()
    );
    let stored = std::fs::read(dir.path().join("h/data/hub.db")).unwrap();
    assert!(
        !stored
            .windows(43)
            .any(|part| part == text("key").as_bytes()),
        "the key is stored hashed only"
    );
    let password = run(&[
        "user",
        "add",
        "wang",
        "--role",
        "duty_officer",
        "--config",
        "h/hub.toml",
    ]);
    assert_eq!(password.trim().len(), 20);
    assert!(run(&["user", "list", "--config", "h/hub.toml"]).contains("wang  duty_officer"));
    run(&["user", "disable", "wang", "--config", "h/hub.toml"]);
    assert!(run(&["user", "list", "--config", "h/hub.toml"]).contains("disabled"));
    run(&["gateway", "revoke", "gw-1", "--config", "h/hub.toml"]);
    assert!(run(&["gateway", "list", "--config", "h/hub.toml"]).contains("revoked"));
    let openapi = run(&["openapi"]);
    assert!(openapi.contains("\"/v1/batches\""));
}

#[test]
fn mistakes_are_told_all_at_once_with_exit_64_and_nothing_is_touched() {
    let dir = TempDir::new().unwrap();
    let config = "listen = \"0.0.0.0:1\"\ntls = false\nlissten = 1\n[history]\nkeep_days = \"7\"\n[limits]\nshutdown = 3\n";
    std::fs::write(dir.path().join("hub.toml"), config).unwrap();
    for command in ["check", "run"] {
        let output = hub(dir.path(), &[command, "--config", "hub.toml"], "");
        assert_eq!(output.status.code(), Some(64), "{command}");
        let told = told(&output);
        for expected in [
            "`lissten` is not a key",
            "`history.keep_days` must be of type integer",
            "`limits.shutdown` is not a key",
        ] {
            assert!(told.contains(expected), "{expected} is not in:\n{told}");
        }
    }
    std::fs::write(
        dir.path().join("hub.toml"),
        "tls = false\nlisten = \"0.0.0.0:1\"\n[sessions]\nidle_minutes = 0\n",
    )
    .unwrap();
    let output = hub(dir.path(), &["check", "--config", "hub.toml"], "");
    let told = told(&output);
    assert!(
        told.contains("loopback") && told.contains("idle_minutes"),
        "{told}"
    );
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["hub.toml"]);
}

#[test]
fn wrong_usage_is_exit_64_with_a_sentence() {
    let dir = TempDir::new().unwrap();
    assert!(
        hub(dir.path(), &["init", "--dir", "."], "")
            .status
            .success()
    );
    let add = |more: &[&str], stdin: &str| {
        hub(
            dir.path(),
            &[&["user", "add", "wang"], more].concat(),
            stdin,
        )
    };
    for (output, expected) in [
        (hub(dir.path(), &["fly"], ""), "fly"),
        (
            add(&["--role", "king"], ""),
            "duty_officer, shift_leader, dispatcher",
        ),
        (
            add(&["--role", "supervisor", "--password-stdin"], "short\n"),
            "at least 10",
        ),
        (
            hub(dir.path(), &["user", "disable", "nobody"], ""),
            "nobody",
        ),
        (
            hub(dir.path(), &["gateway", "add", "a b", "--site", "s"], ""),
            "a b",
        ),
        (
            hub(
                dir.path(),
                &["gateway", "add", "g", "--site", "s", "--url", "hub:1"],
                "",
            ),
            "https://",
        ),
        (
            hub(dir.path(), &["run", "--config", "none.toml"], ""),
            "none.toml",
        ),
    ] {
        assert_eq!(output.status.code(), Some(64), "{}", told(&output));
        assert!(
            told(&output).contains(expected),
            "{expected} is not in:\n{}",
            told(&output)
        );
    }
    let help = hub(dir.path(), &["gateway", "add", "--help"], "");
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("Example"));
}

#[test]
fn store_moves_from_sqlite_to_postgresql_and_proves_itself() {
    let dir = TempDir::new().unwrap();
    let run = |arguments: &[&str], code: i32| {
        let output = hub(dir.path(), arguments, "");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            told(&output)
        );
        (
            String::from_utf8(output.stdout.clone()).unwrap(),
            told(&output),
        )
    };
    run(&["init", "--dir", "h"], 0);
    let config = ["--config", "h/hub.toml"];
    run(
        &[
            "user",
            "add",
            "wang",
            "--role",
            "supervisor",
            config[0],
            config[1],
        ],
        0,
    );
    run(&["backup", "city.backup", config[0], config[1]], 0);
    let (_, refused) = run(&["backup", "city.backup", config[0], config[1]], 70);
    assert!(refused.contains("never overwrites"), "{refused}");
    let (_, refused) = run(&["restore", "city.backup", config[0], config[1]], 70);
    assert!(refused.contains("is not empty"), "{refused}");
    let (_, refused) = run(
        &[
            "restore",
            "city.backup",
            "--into",
            "mysql://x",
            config[0],
            config[1],
        ],
        64,
    );
    assert!(refused.contains("sqlite:FILE or postgres://"), "{refused}");

    let url = crate::postgres_server::new_database();
    run(
        &[
            "restore",
            "city.backup",
            "--into",
            &url,
            config[0],
            config[1],
        ],
        0,
    );
    std::fs::write(
        dir.path().join("h/hub.toml"),
        format!("[store]\nurl = \"{url}\"\n"),
    )
    .unwrap();
    assert!(
        run(&["user", "list", config[0], config[1]], 0)
            .0
            .contains("wang  supervisor")
    );
    let (proof, _) = run(&["audit", "verify", config[0], config[1]], 0);
    assert!(
        proof.contains("audit: 2 links") && proof.contains("1 signed heads"),
        "{proof}"
    );
    std::fs::write(dir.path().join("h/data/audit-heads.jsonl"), "").unwrap();
    let (proof, _) = run(&["audit", "verify", config[0], config[1]], 70);
    assert!(proof.contains("wrong: epoch 2"), "{proof}");
}

#[test]
fn roster_files_are_checked_whole_and_imported_as_versions() {
    let dir = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments
            .iter()
            .copied()
            .chain(["--config", "h/hub.toml"])
            .collect();
        hub(dir.path(), &arguments, "")
    };
    assert!(
        hub(dir.path(), &["init", "--dir", "h"], "")
            .status
            .success()
    );
    let example = include_str!("../../../configs/roster.example.toml");
    std::fs::write(dir.path().join("roster.toml"), example).unwrap();
    let checked = run(&["roster", "check", "roster.toml"]);
    assert!(checked.status.success(), "{}", told(&checked));
    assert!(told(&checked).contains("no problems found"));
    assert!(
        !dir.path().join("h/data/hub.db").exists(),
        "checking touches nothing"
    );

    let refused = run(&["roster", "import", "roster.toml"]);
    assert_eq!(refused.status.code(), Some(64));
    for name in ["wang", "boss", "chen"] {
        let expected = format!("there is no active user `{name}`");
        assert!(told(&refused).contains(&expected), "{}", told(&refused));
    }
    for name in ["wang", "li", "zhang", "zhao", "qian", "sun", "chen", "boss"] {
        assert!(
            run(&["user", "add", name, "--role", "duty_officer"])
                .status
                .success()
        );
    }
    for version in ["version 1", "version 2"] {
        let imported = run(&["roster", "import", "roster.toml"]);
        assert!(imported.status.success(), "{}", told(&imported));
        assert!(told(&imported).contains(version), "{}", told(&imported));
    }
    let wrong = example
        .replace("area = \"990101001\"", "area = \"77\"")
        .replacen("20:00", "21:00", 1);
    std::fs::write(dir.path().join("roster.toml"), wrong).unwrap();
    let refused = run(&["roster", "check", "roster.toml"]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(
        told(&refused).contains("`77` is not the code of an area"),
        "{}",
        told(&refused)
    );
    assert!(
        told(&refused).contains("at the same time on some days"),
        "{}",
        told(&refused)
    );

    assert!(
        run(&["user", "email", "wang", "wang@example.org"])
            .status
            .success()
    );
    assert_eq!(
        run(&["user", "email", "wang", "not an address"])
            .status
            .code(),
        Some(64)
    );
    assert_eq!(run(&["user", "email", "nobody"]).status.code(), Some(64));
}

#[test]
fn key_of_another_system_is_shown_once_listed_and_revoked() {
    let dir = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        hub(
            dir.path(),
            &[arguments, &["--config", "h/hub.toml"]].concat(),
            "",
        )
    };
    assert!(
        hub(dir.path(), &["init", "--dir", "h"], "")
            .status
            .success()
    );
    let add = [
        "outside", "key", "add", "hotline", "--kind", "open311", "--area", "990101",
    ];
    let added = run(&add);
    assert!(added.status.success(), "{}", told(&added));
    assert!(
        told(&added).contains("[outside.open311]"),
        "the door is shut: {}",
        told(&added)
    );
    let key = String::from_utf8(added.stdout).unwrap();
    assert_eq!(key.trim().len(), 43);
    let again = run(&add);
    assert_eq!(again.status.code(), Some(64));
    assert!(told(&again).contains("not used twice"), "{}", told(&again));
    for (wrong, expected) in [
        (
            ["outside", "key", "add", "a b", "--kind", "open311"].to_vec(),
            "letters",
        ),
        (
            [
                "outside", "key", "add", "x", "--kind", "open311", "--area", "77",
            ]
            .to_vec(),
            "no area `77`",
        ),
        (
            ["outside", "key", "add", "x", "--kind", "fax"].to_vec(),
            "alertmanager",
        ),
        (
            ["outside", "key", "revoke", "nobody"].to_vec(),
            "no key `nobody`",
        ),
    ] {
        let output = run(&wrong);
        assert_eq!(output.status.code(), Some(64), "{wrong:?}");
        assert!(
            told(&output).contains(expected),
            "{wrong:?}: {}",
            told(&output)
        );
    }
    let listed = String::from_utf8(run(&["outside", "key", "list"]).stdout).unwrap();
    assert!(
        listed.starts_with("hotline  open311  990101  60 a minute"),
        "{listed}"
    );
    assert!(!listed.contains(key.trim()));
    assert!(
        run(&["outside", "key", "revoke", "hotline"])
            .status
            .success()
    );
    let listed = String::from_utf8(run(&["outside", "key", "list"]).stdout).unwrap();
    assert!(listed.contains("revoked"), "{listed}");
    let gateways = String::from_utf8(run(&["gateway", "list"]).stdout).unwrap();
    assert_eq!(gateways, "", "a key's virtual gateway is no gateway");
}

#[test]
fn check_warns_of_a_line_to_another_machine_that_may_be_plain_text() {
    let dir = TempDir::new().unwrap();
    assert!(
        hub(dir.path(), &["init", "--dir", "h"], "")
            .status
            .success()
    );
    let path = dir.path().join("h/hub.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let check = |url: &str| {
        let changed = text.replace("url = \"sqlite:hub.db\"", &format!("url = \"{url}\""));
        assert_ne!(changed, text);
        std::fs::write(&path, changed).unwrap();
        let output = hub(dir.path(), &["check", "--config", "h/hub.toml"], "");
        (output.status.code(), told(&output))
    };
    let (code, warned) = check("postgres://hub:se@db.example/cases");
    assert_eq!(code, Some(0), "{warned}");
    assert!(
        warned.contains("plain text") && !warned.contains("se@"),
        "{warned}"
    );
    let safe = "postgres://hub@db.example/cases?sslmode=verify-full&sslrootcert=/etc/ca.pem";
    let (code, warned) = check(safe);
    assert!(code == Some(0) && !warned.contains("warning"), "{warned}");
    let (code, refused) =
        check("postgres://hub@db.example/cases?sslmode=require&sslrootcert=/etc/ca.pem");
    assert!(
        code == Some(64) && refused.contains("sslrootcert"),
        "{refused}"
    );
}
