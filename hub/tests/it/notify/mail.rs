//! E-mail against a real mail server: aiosmtpd of Debian, with TLS and sign-in.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gridwatch_protocol::Kind;
use hub::certificates::{self, Files};
use serde_json::Value;
use tempfile::TempDir;

use super::{all_told, rows, section};
use super::super::harness::{Hub, alert, batch, eventually};

/// Debian's Python: the package of the mail server belongs to it.
const PYTHON: &str = "/usr/bin/python3";
const SERVER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/notify/smtp_server.py"
);

pub(super) struct MailServer {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl MailServer {
    pub(super) fn start(mode: &str) -> MailServer {
        let dir = TempDir::new().unwrap();
        let box_dir = dir.path().join("mail");
        std::fs::create_dir(&box_dir).unwrap();
        certificates::make_missing(dir.path(), &[]).unwrap();
        let files = Files::in_dir(dir.path());
        let mut child = Command::new(PYTHON)
            .args([SERVER, mode])
            .args([&box_dir, &files.certificate, &files.key])
            .stdout(Stdio::piped())
            // It warns of every sign-in; whether it runs is told by its port.
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line
            .trim()
            .parse()
            .expect("a port; is the package python3-aiosmtpd there?");
        MailServer { child, port, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The messages, in the order in which they came.
    pub(super) fn messages(&self) -> Vec<Mail> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.path("mail"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .collect();
        files.sort();
        files.iter().map(|path| read(path)).collect()
    }

    pub(super) fn channel(&self, tls: &str, more: &str) -> String {
        let password = self.path("password");
        std::fs::write(&password, "mail-password\n").unwrap();
        let login = if tls == "none" {
            String::new()
        } else {
            format!(
                "username = \"hub\"\npassword_file = \"{}\"\n",
                password.display()
            )
        };
        format!(
            "[[channel]]\nname = \"mail\"\nkind = \"email\"\nserver = \"localhost\"\nport = {}\ntls = \"{tls}\"
from = \"网格哨 <hub@example.org>\"\n{login}{more}\n",
            self.port
        )
    }

    pub(super) async fn hub(&self, channels: &str) -> Hub {
        let mut notify = section(channels);
        notify.ca_file = Files::in_dir(self.dir.path()).ca;
        Hub::start_with(|config| {
            config.public_url = "http://hub.example".into();
            config.notify = notify;
        })
        .await
    }
}

/// A message, decoded by Python's own reader of mail.
pub(super) struct Mail(Value);

impl Mail {
    pub(super) fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_default()
    }

    fn body(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }
}

fn read(path: &Path) -> Mail {
    const READ: &str = "import email,email.policy,json,sys
m=email.message_from_binary_file(open(sys.argv[1],'rb'),policy=email.policy.default)
print(json.dumps({'headers':{k.lower():str(v) for k,v in m.items()},'body':m.get_content()}))";
    let done = Command::new(PYTHON)
        .args(["-c", READ])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    Mail(serde_json::from_slice(&done.stdout).unwrap())
}

async fn act(hub: &Hub, actions: &[&str]) {
    let officer = hub.sign_in("li").await;
    for action in actions {
        let case = officer.get("/api/v1/cases/1").await;
        let version = case["version"].as_i64().unwrap();
        let (status, body) = officer.act(1, action, version).await;
        assert_eq!(status, 200, "{action}: {body}");
    }
}

#[tokio::test]
async fn case_is_one_thread_of_mail_over_starttls_in_chinese() {
    let server = MailServer::start("starttls");
    let hub = server
        .hub(&server.channel(
            "starttls",
            "to = [\"duty@example.org\"]\nchanges = [\"opened\", \"acknowledged\"]",
        ))
        .await;
    // P1 may follow at once; the rest would wait for the minute of its recipient.
    let mut gas = alert(1, "gas-1", Kind::Gas);
    gas.severity = gridwatch_protocol::Severity::P1;
    hub.send(&batch(vec![gas])).await;
    let root = hub.sign_in("root").await;
    let told = all_told(&root, "mail", 1).await;
    assert!(
        told[0]["answer"].as_str().unwrap().contains("kept as 1"),
        "{}",
        told[0]
    );
    act(&hub, &["acknowledge"]).await;
    all_told(&root, "mail", 2).await;
    let mails = server.messages();
    let number = told[0]["number"].as_str().unwrap();
    let root_id = format!("<case-{number}@example.org>");
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("message-id"), root_id);
    assert_eq!(mails[0].header("to"), "duty@example.org");
    assert!(mails[0].header("from").contains("网格哨"));
    assert!(
        mails[0]
            .header("subject")
            .starts_with("【特急（P1）】新事件：")
    );
    assert_eq!(mails[0].header("importance"), "high");
    assert!(mails[0].body().contains(&format!("事件：{number}")));
    assert!(mails[0].body().contains("http://hub.example/cases/1"));
    assert_eq!(mails[1].header("in-reply-to"), root_id);
    assert_eq!(mails[1].header("references"), root_id);
    assert_ne!(mails[1].header("message-id"), root_id);
    assert!(mails[1].header("subject").contains("已确认"));
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn mailbox_that_is_unknown_is_given_up_and_one_that_is_busy_tried_again_over_tls() {
    let server = MailServer::start("tls");
    let hub = server
        .hub(&server.channel(
            "tls",
            "language = \"en\"\nto = [\"nobody@example.org\", \"busy@example.org\", \"duty@example.org\"]",
        ))
        .await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    let rows = eventually("each recipient has a state of their own", || async {
        let rows = rows(&root, "mail").await;
        let settled = rows.iter().filter(|row| row["answer"].is_string()).count();
        (settled == 3).then_some(rows)
    })
    .await;
    let of = |end: &str| {
        rows.iter()
            .find(|row| row["recipient"].as_str().unwrap().starts_with(end))
            .unwrap()
    };
    assert_eq!(of("n***")["state"], "dead");
    assert!(
        of("n***")["answer"]
            .as_str()
            .unwrap()
            .contains("no such user")
    );
    assert_eq!(
        (
            of("b***")["state"].as_str(),
            of("b***")["attempts"].as_i64()
        ),
        (Some("waiting"), Some(1))
    );
    assert_eq!(of("d***")["state"], "delivered");
    let mails = server.messages();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0]
            .header("subject")
            .starts_with("[Urgent (P2)] new case:")
    );
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_not_trusted() {
    let server = MailServer::start("starttls");
    let channels = server.channel("starttls", "to = [\"duty@example.org\"]");
    let hub = Hub::start_with(|config| config.notify = section(&channels)).await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    let row = eventually("the certificate is refused", || async {
        let row = rows(&root, "mail").await.into_iter().next()?;
        row["error"].is_string().then_some(row)
    })
    .await;
    let error = row["error"].as_str().unwrap().to_lowercase();
    assert!(
        error.contains("certificate") || error.contains("issuer"),
        "{error}"
    );
    assert!(server.messages().is_empty());
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn relay_on_this_machine_takes_mail_without_tls() {
    let server = MailServer::start("plain");
    let hub = server
        .hub(&server.channel("none", "to = [\"duty@example.org\"]"))
        .await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    all_told(&root, "mail", 1).await;
    assert_eq!(server.messages().len(), 1);
    hub.stop().await.unwrap();
}
