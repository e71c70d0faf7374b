//! How the link to the parent is, for the officers of the child. Pure.
//!
//! Holds no secret and nothing that the parent wrote: its answers may say anything.

use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};

use super::client::NoAnswer;
use crate::cases::text;

/// Why the parent was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFault {
    /// No answer in time.
    Timeout,
    /// Its name has no address, or one that this hub must not use.
    Name,
    /// Its certificate is not trusted.
    Certificate,
    /// No connection, or it broke.
    Unreachable,
    /// It does not know the key.
    WrongKey,
    /// It said no, with this status.
    Refused(u16),
    /// It is busy or ill, with this status.
    Busy(u16),
    /// What it answered is no answer.
    NotUnderstood,
    /// It knows more than this store: nothing is sent.
    SetBack,
    /// The fault is here: the store did not answer.
    Own,
}

impl From<&NoAnswer> for LinkFault {
    fn from(error: &NoAnswer) -> Self {
        match error {
            NoAnswer::Refused { status, .. } if matches!(status.as_u16(), 401 | 403) => {
                Self::WrongKey
            }
            NoAnswer::Refused { status, .. } => Self::Refused(status.as_u16()),
            NoAnswer::Broken { why, .. } => *why,
        }
    }
}

impl LinkFault {
    /// In words, with what to do.
    #[must_use]
    pub fn words(self) -> Text {
        match self {
            Self::Timeout => text(
                "上级平台没有在规定时间内应答",
                "the parent hub did not answer in time",
            ),
            Self::Name => text(
                "找不到上级平台的地址，请检查网络、DNS 和 `parent.url`",
                "the address of the parent hub was not found; check the network, DNS and `parent.url`",
            ),
            Self::Certificate => text(
                "上级平台的证书不受信任，请检查 `parent.ca_file` 和证书有效期",
                "the certificate of the parent hub is not trusted; check `parent.ca_file` and when it ends",
            ),
            Self::Unreachable => text(
                "连接不上上级平台，请检查网络，并确认上级平台在运行",
                "the parent hub cannot be reached; check the network and that it is running",
            ),
            Self::WrongKey => text(
                "上级平台不认可本平台的密钥；请在上级平台用 `hub child add` 重新生成",
                "the parent hub does not know the key of this hub; make a new one there with `hub child add`",
            ),
            Self::Refused(status) => text(
                format!("上级平台拒绝了本平台（状态 {status}），原因见本平台日志"),
                format!("the parent hub refused this hub (status {status}); the log here says why"),
            ),
            Self::Busy(status) => text(
                format!("上级平台繁忙或有故障（状态 {status}）"),
                format!("the parent hub is busy or has a fault (status {status})"),
            ),
            Self::NotUnderstood => text(
                "上级平台的应答无法识别，请检查 `parent.url` 和双方版本",
                "what the parent hub answered was not understood; check `parent.url` and the versions of both",
            ),
            Self::SetBack => text(
                "上级平台知道的比本库多：本库被旧文件替换过，已停止上报；请用 `hub restore` 恢复备份",
                "the parent hub knows more than this store: an older file was put in its place. Nothing is sent; restore a backup with `hub restore`",
            ),
            Self::Own => text(
                "本平台的数据库没有应答",
                "the store of this hub did not answer",
            ),
        }
    }
}

/// How the link is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// Since when it is up or down.
    pub since: Timestamp,
    /// When the parent answered last.
    pub last_success_at: Option<Timestamp>,
    /// Why it is down; nothing while it is up.
    pub fault: Option<LinkFault>,
}

impl LinkState {
    /// The state after one more try. The fault of a link that stays down may change; since when it is down
    /// does not.
    #[must_use]
    pub fn after(before: Option<&Self>, fault: Option<LinkFault>, now: Timestamp) -> Self {
        let same = before.filter(|before| before.fault.is_some() == fault.is_some());
        Self {
            since: same.map_or(now, |before| before.since),
            last_success_at: match fault {
                None => Some(now),
                Some(_) => before.and_then(|before| before.last_success_at),
            },
            fault,
        }
    }

    /// Whether the parent has not been reached for longer than this.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp, limit_ms: i64) -> bool {
        let heard = self.last_success_at.unwrap_or(self.since);
        now.unix_ms() - heard.unix_ms() > limit_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn link_is_down_since_its_first_failure_and_up_since_its_first_answer() {
        let up = LinkState::after(None, None, time(1));
        let still = LinkState::after(Some(&up), None, time(5));
        assert_eq!(
            (still.since, still.last_success_at),
            (time(1), Some(time(5)))
        );
        let down = LinkState::after(Some(&still), Some(LinkFault::Timeout), time(9));
        let other = LinkState::after(Some(&down), Some(LinkFault::WrongKey), time(20));
        assert_eq!(
            (other.since, other.last_success_at),
            (time(9), Some(time(5)))
        );
        assert_eq!(other.fault, Some(LinkFault::WrongKey));
        assert!(!other.is_overdue(time(105), 100) && other.is_overdue(time(106), 100));
        let again = LinkState::after(Some(&other), None, time(200));
        assert_eq!((again.since, again.fault), (time(200), None));
    }

    #[test]
    fn parent_that_never_answered_is_overdue_since_the_first_try() {
        let down = LinkState::after(None, Some(LinkFault::Name), time(10));
        assert!(!down.is_overdue(time(110), 100) && down.is_overdue(time(111), 100));
    }
}
