//! Channels as people write them.

use super::*;

fn resolve(text: &str) -> (Notify, Vec<String>) {
    let mut notify: Notify = toml::from_str(text).unwrap();
    let mut problems = Vec::new();
    notify.resolve(Path::new("/etc/gridwatch"), &mut problems);
    (notify, problems)
}

const HEAD: &str = "allow_hosts = [\"sms.inner\"]\nca_file = \"\"\nattempts_max = 12\n";

#[test]
fn one_channel_of_each_kind_is_read() {
    let text = format!(
        "{HEAD}
[[channel]]
name = \"duty\"
kind = \"wecom\"
url_file = \"wecom.url\"
severities = [\"P1\", \"P2\"]
quiet = \"22:00-07:00\"
[[channel]]
name = \"ding\"
kind = \"dingtalk\"
url_env = \"DING_URL\"
secret_env = \"DING_SECRET\"
[[channel]]
name = \"fei\"
kind = \"feishu\"
language = \"en\"
url_file = \"f.url\"
[[channel]]
name = \"city\"
kind = \"webhook\"
url = \"https://city.example/events\"
secret_file = \"city.key\"
drills = true
[[channel]]
name = \"mail\"
kind = \"email\"
server = \"mail.example\"
username = \"hub\"
password_file = \"mail.key\"
from = \"Gridwatch <hub@example.org>\"
to = [\"a@example.org\", \"b@example.org\"]
[[channel]]
name = \"sms\"
kind = \"sms\"
url = \"http://sms.inner/send?to=${{to}}\"
secret_env = \"SMS\"
body = \"{{\\\"t\\\":\\\"${{text}}\\\"}}\"
success_pointer = \"/Code\"
success_value = \"OK\"
to = [\"+8613800000000\"]
"
    );
    let (notify, problems) = resolve(&text);
    assert_eq!(problems, Vec::<String>::new());
    let kinds: Vec<_> = notify.channels.iter().map(Channel::kind).collect();
    assert_eq!(
        kinds,
        ["wecom", "dingtalk", "feishu", "webhook", "email", "sms"]
    );
    let Target::Robot { url, .. } = &notify.channels[0].target else {
        panic!("a robot");
    };
    assert_eq!(*url, Source::File("/etc/gridwatch/wecom.url".into()));
    let Target::Email(mail) = &notify.channels[4].target else {
        panic!("a mail server");
    };
    assert_eq!((mail.port, mail.security), (587, Security::Starttls));
    assert!(
        !format!("{notify:?}").contains("sms.inner/send"),
        "addresses are not shown"
    );
    let mut files = Vec::new();
    notify.check_files(&mut files);
    assert_eq!(files.len(), 4, "{files:?}");
}

#[test]
fn every_problem_of_every_channel_is_told() {
    let text = format!(
        "{HEAD}
[[channel]]
name = \"a b\"
kind = \"pigeon\"
[[channel]]
name = \"x\"
kind = \"wecom\"
severities = [\"P5\"]
quiet = \"late\"
secret_env = \"S\"
language = \"fr\"
[[channel]]
name = \"x\"
kind = \"webhook\"
url = \"https://127.0.0.1/\"
[[channel]]
name = \"m\"
kind = \"email\"
server = \"mail\"
from = \"nobody\"
to = [\"nowhere\"]
username = \"hub\"
[[channel]]
name = \"s\"
kind = \"sms\"
url = \"http://other.example/${{too}}\"
content_type = \"image/png\"
success_pointer = \"Code\"
[[channel]]
name = \"t\"
kind = \"wecom\"
colour = 1
"
    );
    let (_, problems) = resolve(&text);
    let told = problems.join("\n");
    for expected in [
        "channel 1 `a b`: `name` must be",
        "\"pigeon\" is not webhook",
        "\"P5\" is not P1",
        "`quiet` = \"late\"",
        "`secret_env` is not for the kind wecom",
        "`language` = \"fr\"",
        "channel 2 `x`: `url` is needed",
        "channel 3 `x`: the name stands twice",
        "127.0.0.1, which is not a public address",
        "`secret_file` is needed",
        "`from` is needed",
        "\"nowhere\" is not an e-mail address",
        "`username` needs `password_file`",
        "`${too}` is not a name",
        "plain http:// is used only for hosts",
        "`content_type` = \"image/png\"",
        "`success_pointer` must begin",
        "need each other",
        "unknown field `colour`",
    ] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
}
