//! One rule on one device: a small state machine that finds the edges of a condition. Pure.

use std::collections::VecDeque;

use gridwatch_protocol::{DeviceId, Kind, Reading, Severity, Value};
use serde::Deserialize;

use super::hours;

/// Source events remembered per point, so that one told again raises nothing.
const EVENTS_REMEMBERED: usize = 64;

/// A rule as it is configured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Its name, shown with every alert that it raises.
    pub name: String,
    /// Kind of the readings that it looks at.
    pub kind: Kind,
    /// The condition.
    pub when: When,
    /// Severity of its alerts.
    pub severity: Severity,
    /// Devices that it looks at, as patterns with `*` and `?`; empty = all.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Unit that a reading must have.
    #[serde(default)]
    pub unit: Option<String>,
    /// Hours of the day in which it raises, such as `22:00-06:00`.
    #[serde(default)]
    pub hours: Option<String>,
    /// What its alerts are about, when it is not the readings' kind.
    #[serde(default)]
    pub alert_kind: Option<Kind>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum When {
    /// A state is as given.
    State {
        /// The state.
        state: bool,
    },
    /// A number is above a limit.
    Above {
        /// The limit.
        above: f64,
        /// Over again below this.
        clear_below: f64,
        /// For this many seconds.
        #[serde(default)]
        hold_s: f64,
    },
    /// A number is below a limit.
    Below {
        /// The limit.
        below: f64,
        /// Over again above this.
        clear_above: f64,
        /// For this many seconds.
        #[serde(default)]
        hold_s: f64,
    },
    /// A number rises fast.
    Rise {
        /// By this much …
        rise: f64,
        /// … within this many seconds.
        per_s: f64,
        /// Over again when it rises by less than this.
        clear_rise: f64,
    },
    /// An event with one of these values comes.
    Event {
        /// The values; empty = any.
        value: Vec<String>,
        /// Over when none came for this many seconds.
        quiet_s: f64,
    },
}

impl RuleConfig {
    /// What is wrong with the rule.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let finite_positive = |number: f64| number.is_finite() && number >= 0.0;
        match &self.when {
            When::State { .. } => {}
            When::Above {
                above,
                clear_below,
                hold_s,
            } => {
                if above < clear_below || !above.is_finite() || !clear_below.is_finite() {
                    problems.push(format!(
                        "clear_below = {clear_below} must not be greater than above = {above}"
                    ));
                }
                if !finite_positive(*hold_s) {
                    problems.push("hold_s must be 0 or more".to_owned());
                }
            }
            When::Below {
                below,
                clear_above,
                hold_s,
            } => {
                if below > clear_above || !below.is_finite() || !clear_above.is_finite() {
                    problems.push(format!(
                        "clear_above = {clear_above} must not be smaller than below = {below}"
                    ));
                }
                if !finite_positive(*hold_s) {
                    problems.push("hold_s must be 0 or more".to_owned());
                }
            }
            When::Rise {
                rise,
                per_s,
                clear_rise,
            } => {
                if !(rise.is_finite() && *rise > 0.0 && clear_rise < rise) {
                    problems.push("rise must be more than 0 and more than clear_rise".to_owned());
                }
                if !(per_s.is_finite() && (1.0..=86_400.0).contains(per_s)) {
                    problems.push("per_s must be 1 to 86400".to_owned());
                }
            }
            When::Event { quiet_s, .. } => {
                if !finite_positive(*quiet_s) {
                    problems.push("quiet_s must be 0 or more".to_owned());
                }
            }
        }
        if self.name.is_empty() || self.name.contains(['|', ':']) {
            problems.push("name must be given and have no `|` or `:`".to_owned());
        }
        if let Some(hours) = &self.hours
            && let Err(why) = hours::parse(hours)
        {
            problems.push(why);
        }
        problems
    }

    /// Whether the rule looks at a device.
    #[must_use]
    pub fn looks_at(&self, device: &DeviceId) -> bool {
        self.devices.is_empty() || self.devices.iter().any(|p| glob(p, device.as_str()))
    }
}

/// Whether a pattern with `*` and `?` takes a text.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                None => return false,
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// What was measured when a condition began or ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measure {
    State(bool),
    Number(f64),
    Rise { by: f64, now: f64 },
    Word(String),
    Quiet,
}

/// A change of a condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edge {
    Begin(Measure),
    End(Measure),
    /// An event that is known already was told again.
    Again,
}

/// The state of one rule on one device.
#[derive(Debug)]
pub(super) struct Point {
    active: bool,
    /// Since when a number is beyond its limit without having been so for long enough.
    since_ms: Option<i64>,
    last: f64,
    /// When a number was first looked at: a whole window must be seen before a rise can be over.
    first_ms: Option<i64>,
    /// Candidates for the minimum of the window, oldest and smallest first.
    window: VecDeque<(i64, f64)>,
    last_event_ms: i64,
    events: VecDeque<String>,
}

impl Point {
    /// `active` when an episode is open from before; `events` are those that raised an alert before.
    pub(super) fn new(active: bool, events: Vec<String>) -> Self {
        Self {
            active,
            since_ms: None,
            last: 0.0,
            first_ms: None,
            window: VecDeque::new(),
            last_event_ms: 0,
            events: events.into_iter().take(EVENTS_REMEMBERED).collect(),
        }
    }

    /// Takes in a reading of the rule's kind.
    pub(super) fn observe(
        &mut self,
        rule: &RuleConfig,
        reading: &Reading,
        now_ms: i64,
    ) -> Option<Edge> {
        if rule.unit.is_some() && rule.unit != reading.unit {
            return None;
        }
        match &rule.when {
            When::State { state } => {
                let given = reading.value.as_bool()?;
                self.state(given == *state, given, reading.retained)
            }
            When::Above {
                above, clear_below, ..
            } => {
                let number = reading.value.as_number()?;
                self.limit(
                    number > *above,
                    number < *clear_below,
                    number,
                    rule,
                    reading,
                    now_ms,
                )
            }
            When::Below {
                below, clear_above, ..
            } => {
                let number = reading.value.as_number()?;
                self.limit(
                    number < *below,
                    number > *clear_above,
                    number,
                    rule,
                    reading,
                    now_ms,
                )
            }
            When::Rise {
                rise,
                per_s,
                clear_rise,
            } => {
                let number = reading.value.as_number()?;
                if reading.retained {
                    return None;
                }
                self.rise(number, *rise, *clear_rise, ms(*per_s), now_ms)
            }
            When::Event { value, .. } => self.event(value, reading, now_ms),
        }
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, rule: &RuleConfig, now_ms: i64) -> Option<Edge> {
        match &rule.when {
            When::Above { hold_s, .. } | When::Below { hold_s, .. } => {
                self.held(ms(*hold_s), now_ms)
            }
            When::Event { quiet_s, .. } => {
                let quiet = self.active && now_ms - self.last_event_ms >= ms(*quiet_s);
                if !quiet {
                    return None;
                }
                self.active = false;
                Some(Edge::End(Measure::Quiet))
            }
            When::State { .. } | When::Rise { .. } => None,
        }
    }

    /// Retained state never begins an alarm, but may end one: it is how things are.
    fn state(&mut self, met: bool, given: bool, retained: bool) -> Option<Edge> {
        match (met, self.active) {
            (true, false) if !retained => {
                self.active = true;
                Some(Edge::Begin(Measure::State(given)))
            }
            (false, true) => {
                self.active = false;
                Some(Edge::End(Measure::State(given)))
            }
            _ => None,
        }
    }

    fn limit(
        &mut self,
        beyond: bool,
        clear: bool,
        number: f64,
        rule: &RuleConfig,
        reading: &Reading,
        now_ms: i64,
    ) -> Option<Edge> {
        self.last = number;
        if self.active {
            self.active = !clear;
            return clear.then_some(Edge::End(Measure::Number(number)));
        }
        if !beyond {
            self.since_ms = None;
            return None;
        }
        if reading.retained {
            return None;
        }
        self.since_ms.get_or_insert(now_ms);
        let hold_ms = match rule.when {
            When::Above { hold_s, .. } | When::Below { hold_s, .. } => ms(hold_s),
            When::State { .. } | When::Rise { .. } | When::Event { .. } => 0,
        };
        self.held(hold_ms, now_ms)
    }

    fn held(&mut self, hold_ms: i64, now_ms: i64) -> Option<Edge> {
        let since = self.since_ms?;
        if self.active || now_ms - since < hold_ms {
            return None;
        }
        self.active = true;
        self.since_ms = None;
        Some(Edge::Begin(Measure::Number(self.last)))
    }

    fn rise(
        &mut self,
        number: f64,
        rise: f64,
        clear_rise: f64,
        window_ms: i64,
        now_ms: i64,
    ) -> Option<Edge> {
        while self
            .window
            .front()
            .is_some_and(|(at, _)| now_ms - at > window_ms)
        {
            self.window.pop_front();
        }
        while self
            .window
            .back()
            .is_some_and(|(_, value)| *value >= number)
        {
            self.window.pop_back();
        }
        self.window.push_back((now_ms, number));
        let by = number - self.window.front().expect("just pushed").1;
        let measure = Measure::Rise { by, now: number };
        if !self.active && by >= rise {
            self.active = true;
            return Some(Edge::Begin(measure));
        }
        let seen_ms = now_ms - *self.first_ms.get_or_insert(now_ms);
        if self.active && by < clear_rise && seen_ms >= window_ms {
            self.active = false;
            return Some(Edge::End(measure));
        }
        None
    }

    fn event(&mut self, values: &[String], reading: &Reading, now_ms: i64) -> Option<Edge> {
        let word = match &reading.value {
            Value::Text(word) => word.clone(),
            Value::Bool(true) => "true".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(false) => return None,
        };
        if reading.retained || !(values.is_empty() || values.contains(&word)) {
            return None;
        }
        if let Some(event) = &reading.source_event {
            if self.events.contains(event) {
                if self.active {
                    self.last_event_ms = now_ms;
                }
                return Some(Edge::Again);
            }
            if self.events.len() == EVENTS_REMEMBERED {
                self.events.pop_front();
            }
            self.events.push_back(event.clone());
        }
        self.last_event_ms = now_ms;
        if self.active {
            return None;
        }
        self.active = true;
        Some(Edge::Begin(Measure::Word(word)))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked durations of at most a day"
)]
fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_take_what_they_should() {
        for (pattern, text, expected) in [
            (
                "frigate/*/restricted*",
                "frigate/gate/restricted_yard",
                true,
            ),
            ("frigate/*/restricted*", "frigate/gate/yard", false),
            ("a?c", "a烟c", true),
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
