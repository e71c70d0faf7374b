//! Quotas: which of the waiting messages go now, alone or together.
//!
//! Pure. A limit is a sliding window, which is at least as strict as a provider's fixed minute. A send
//! counts from its beginning until one window after its *end*: it may have arrived at any moment
//! between, so whatever the network does, no window at the provider ever sees more than the limit.
//!
//! P1 comes first and has a share of every limit for itself. What is left is told one by one while
//! there is room; when the quota nears, all of it goes together in one digest. Nothing is given up
//! here: what is not chosen goes on waiting.

use gridwatch_protocol::Severity;

#[cfg(test)]
mod tests;

/// When a digest is due: fewer than this many messages would be left for what comes next.
const KEEP_FREE: u32 = 2;
/// Cases in one digest; the others wait for the next. A longer list is read by nobody.
pub const DIGEST_CASES_MAX: usize = 100;

/// At most `count` messages in any span of `per_ms`, of which `reserved` only for P1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Messages in all.
    pub count: u32,
    /// Length, in milliseconds.
    pub per_ms: i64,
    /// Of them for P1 alone.
    pub reserved: u32,
}

/// The limits of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For everything that goes through the channel.
    pub channel: Vec<Window>,
    /// For each recipient of it.
    pub recipient: Vec<Window>,
    /// Whether messages can go together; a program wants each event by itself.
    pub digests: bool,
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

const fn window(count: u32, per_ms: i64, reserved: u32) -> Window {
    Window {
        count,
        per_ms,
        reserved,
    }
}

/// WeCom group robot: 20 messages a minute for each robot
/// (<https://developer.work.weixin.qq.com/document/path/91770>). The shares for P1 here and below are
/// ours: a quarter.
pub const WECOM: [Window; 1] = [window(20, MINUTE, 5)];
/// DingTalk custom robot: 20 messages a minute for each robot, then nothing for 10 minutes
/// (<https://open.dingtalk.com/document/group/custom-robot-access>).
pub const DINGTALK: [Window; 1] = [window(20, MINUTE, 5)];
/// Feishu custom robot: 100 messages a minute and 5 a second
/// (<https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>).
pub const FEISHU: [Window; 2] = [window(5, SECOND, 1), window(100, MINUTE, 25)];
/// E-mail and SMS gateways: 5 messages in 5 seconds (GoAlert, `engine/message/ratelimit.go`).
pub const PEOPLE: [Window; 1] = [window(5, 5 * SECOND, 2)];
/// One e-mail a minute to one address (GoAlert). P1 may take four more: ours.
pub const EMAIL_RECIPIENT: [Window; 1] = [window(5, MINUTE, 4)];
/// SMS to one number: 1 a minute, 5 in 15 minutes, 11 in an hour, 21 in 3 hours (GoAlert). P1 may
/// take as many again: ours.
pub const SMS_RECIPIENT: [Window; 4] = [
    window(2, MINUTE, 1),
    window(10, 15 * MINUTE, 5),
    window(22, HOUR, 11),
    window(42, 3 * HOUR, 21),
];
/// Webhook: 50 in a second; ours: bounds what a storm of cases does to its receiver.
pub const WEBHOOK: [Window; 1] = [window(50, SECOND, 12)];

impl Limits {
    /// No send counts for longer than this after its end, in milliseconds.
    #[must_use]
    pub fn longest_ms(&self) -> i64 {
        let windows = self.channel.iter().chain(&self.recipient);
        windows.map(|window| window.per_ms).max().unwrap_or(0)
    }
}

/// A message that was sent, or is being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// To whom; empty for a channel without recipients.
    pub recipient: String,
    /// When it ended, in Unix milliseconds; none while it is under way.
    pub ended_at: Option<i64>,
}

/// A message that waits and is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its row.
    pub id: String,
    /// To whom.
    pub recipient: String,
    /// Of its case.
    pub severity: Severity,
    /// Since when it waits, in Unix milliseconds.
    pub since: i64,
    /// Whether it goes into no digest: what is written to a reporter is for them alone.
    pub alone: bool,
}

/// Rows that go out in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// To whom.
    pub recipient: String,
    /// The rows, the most urgent and oldest first.
    pub ids: Vec<String>,
    /// Whether it is about P1.
    pub urgent: bool,
}

/// Chooses what goes now. `sent` has at least what ended within [`Limits::longest_ms`] before `now`.
#[must_use]
pub fn choose(limits: &Limits, sent: &[Sent], waiting: &[Waiting], now: i64) -> Vec<Chosen> {
    let mut used = sent.to_vec();
    let mut order: Vec<&Waiting> = waiting.iter().collect();
    order.sort_by_key(|w| (w.severity != Severity::P1, w.severity, w.since, &w.id));
    let (urgent, rest): (Vec<_>, Vec<_>) =
        order.into_iter().partition(|w| w.severity == Severity::P1);
    let mut chosen: Vec<Chosen> = Vec::new();
    for (mut items, is_urgent) in [(urgent, true), (rest, false)] {
        // What a recipient leaves of its share goes to those who need more, before anything less urgent.
        loop {
            let before = chosen.len();
            pass(limits, &mut used, &items, is_urgent, now, &mut chosen);
            if chosen.len() == before || !is_urgent {
                break;
            }
            let gone = |w: &&Waiting| chosen[before..].iter().any(|c| c.ids.contains(&w.id));
            items.retain(|w| !gone(w));
        }
    }
    chosen
}

/// Gives every recipient its share of what is free.
fn pass(
    limits: &Limits,
    used: &mut Vec<Sent>,
    items: &[&Waiting],
    is_urgent: bool,
    now: i64,
    chosen: &mut Vec<Chosen>,
) {
    let mut groups = by_recipient(items);
    groups.reverse();
    while let Some((recipient, items)) = groups.pop() {
        let others = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let of_channel = free(&limits.channel, used, None, now, is_urgent);
        let of_recipient = free(&limits.recipient, used, Some(&recipient), now, is_urgent);
        if of_channel == 0 {
            break;
        }
        // What is scarce is shared between the recipients.
        let share = (of_channel / others.saturating_add(1)).max(1);
        let slots = share.min(of_recipient);
        for ids in split(&items, slots, is_urgent, limits.digests) {
            used.push(Sent {
                recipient: recipient.clone(),
                ended_at: None,
            });
            chosen.push(Chosen {
                recipient: recipient.clone(),
                ids,
                urgent: is_urgent,
            });
        }
    }
}

fn by_recipient<'w>(items: &[&'w Waiting]) -> Vec<(String, Vec<&'w Waiting>)> {
    let mut groups: Vec<(String, Vec<&Waiting>)> = Vec::new();
    for item in items.iter().copied() {
        match groups.iter_mut().find(|(name, _)| *name == item.recipient) {
            Some((_, group)) => group.push(item),
            None => groups.push((item.recipient.clone(), vec![item])),
        }
    }
    groups
}

/// How many messages may go now; without limits, as many as there are.
fn free(windows: &[Window], sent: &[Sent], recipient: Option<&str>, now: i64, urgent: bool) -> u32 {
    let counts = |window: &Window, one: &Sent| {
        recipient.is_none_or(|name| one.recipient == name)
            && one.ended_at.is_none_or(|end| end + window.per_ms > now)
    };
    windows
        .iter()
        .map(|window| {
            let used = sent.iter().filter(|one| counts(window, one)).count();
            let kept = if urgent { 0 } else { window.reserved };
            (window.count.saturating_sub(kept))
                .saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
        })
        .min()
        .unwrap_or(u32::MAX)
}

/// Which items go alone and which together, in at most `slots` messages.
fn split(items: &[&Waiting], slots: u32, urgent: bool, digests: bool) -> Vec<Vec<String>> {
    let (single, joint): (Vec<&Waiting>, Vec<&Waiting>) =
        items.iter().partition(|item| item.alone || !digests);
    let slots_len = usize::try_from(slots).unwrap_or(usize::MAX);
    let mut messages = split_joint(&joint, slots, urgent);
    let left = slots_len - messages.len();
    messages.extend(alone(&single[..single.len().min(left)]));
    messages
}

fn alone(items: &[&Waiting]) -> Vec<Vec<String>> {
    items.iter().map(|item| vec![item.id.clone()]).collect()
}

fn split_joint(items: &[&Waiting], slots: u32, urgent: bool) -> Vec<Vec<String>> {
    if slots == 0 || items.is_empty() {
        return Vec::new();
    }
    let kept = if urgent { 0 } else { KEEP_FREE };
    let room = usize::try_from(slots.saturating_sub(kept)).unwrap_or(usize::MAX);
    if items.len() <= room {
        return alone(items);
    }
    // P1 goes alone as long as it can; everything else goes together at once.
    let singles = if urgent { room - 1 } else { 0 };
    let mut messages = alone(&items[..singles]);
    let together = &items[singles..items.len().min(singles + DIGEST_CASES_MAX)];
    messages.push(together.iter().map(|item| item.id.clone()).collect());
    messages
}
