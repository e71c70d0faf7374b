//! What can be wrong with a model while the agent runs, in words for people.
//!
//! A fault never stops anything: the rules go on. It is what the heartbeat reports.

use gridwatch_protocol::Text;

/// Why there are no verdicts, or not all, or not those that were wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFault {
    /// No bundle could be loaded; it is tried again from time to time.
    NotLoaded {
        /// Why, with its causes.
        error: String,
    },
    /// The configured bundle was refused; an accepted one goes on.
    Refused {
        /// Why, with its causes.
        error: String,
        /// Build that goes on.
        build: u64,
    },
    /// The bundle runs, and the agent could not remember it: the next start may take an older one.
    NotKept {
        /// Why, with its causes.
        error: String,
    },
    /// The candidate was refused or given up; the current model is not touched.
    Candidate {
        /// Why, with its causes.
        error: String,
    },
    /// Inference failed several times in a row; it is tried again from time to time.
    Failing {
        /// The last failure.
        error: String,
    },
    /// Inference took longer than its budget several times in a row.
    TooSlow {
        /// How long the last batch took, in ms.
        took_ms: u64,
        /// What it may take, in ms.
        budget_ms: u64,
    },
    /// Rows wait and nothing comes back.
    Mute {
        /// For how long, in s.
        seconds: u64,
    },
    /// The models' thread has ended.
    Gone,
}

impl ModelFault {
    /// All codes, so that what is over can be cleared.
    pub const CODES: [&str; 8] = [
        "model_unavailable",
        "model_refused",
        "model_candidate",
        "model_failing",
        "model_slow",
        "model_mute",
        "model_gone",
        "model_not_kept",
    ];

    /// Stable code for the heartbeat.
    #[must_use]
    pub fn code(&self) -> &'static str {
        let index = match self {
            Self::NotLoaded { .. } => 0,
            Self::Refused { .. } => 1,
            Self::Candidate { .. } => 2,
            Self::Failing { .. } => 3,
            Self::TooSlow { .. } => 4,
            Self::Mute { .. } => 5,
            Self::Gone => 6,
            Self::NotKept { .. } => 7,
        };
        Self::CODES[index]
    }

    /// Whether the model gives no verdicts at present: then only statistics are left.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Candidate { .. })
    }

    /// What is wrong and what to do.
    #[must_use]
    pub fn text(&self) -> Text {
        let (zh, en) = match self {
            Self::NotLoaded { error } => (
                format!("异常检测模型未能加载，规则照常运行。请检查模型包：{error}"),
                format!(
                    "the anomaly model could not be loaded; the rules go on. Check the bundle: {error}"
                ),
            ),
            Self::Refused { error, build } => (
                format!("新的异常检测模型被拒绝，继续使用已验收的第 {build} 版：{error}"),
                format!(
                    "the configured anomaly model was refused, build {build}, accepted before, goes on: {error}"
                ),
            ),
            Self::NotKept { error } => (
                format!("异常检测模型可用，但无法保存备份，请检查网关磁盘：{error}"),
                format!(
                    "the anomaly model runs, but no copy of it could be kept; check the gateway's disk: {error}"
                ),
            ),
            Self::Candidate { error } => (
                format!("试运行的候选模型不可用，现用模型不受影响：{error}"),
                format!(
                    "the candidate model in shadow is out of use, the current one is not touched: {error}"
                ),
            ),
            Self::Failing { error } => (
                format!("异常检测模型连续计算失败，规则照常运行，稍后自动重试：{error}"),
                format!(
                    "the anomaly model keeps failing; the rules go on, it is tried again: {error}"
                ),
            ),
            Self::TooSlow { took_ms, budget_ms } => (
                format!(
                    "异常检测模型太慢（{took_ms} 毫秒，上限 {budget_ms} 毫秒），已暂停，规则照常运行。请检查网关负载"
                ),
                format!(
                    "the anomaly model is too slow ({took_ms} ms, at most {budget_ms} ms) and pauses; the rules go on. Check the gateway's load"
                ),
            ),
            Self::Mute { seconds } => (
                format!("异常检测模型 {seconds} 秒没有输出，规则照常运行。如不恢复请重启边缘代理"),
                format!(
                    "the anomaly model has given nothing for {seconds} s; the rules go on. Restart the agent if it stays so"
                ),
            ),
            Self::Gone => (
                "异常检测模型线程已退出，规则照常运行。请重启边缘代理".to_owned(),
                "the anomaly model's thread has ended; the rules go on. Restart the agent"
                    .to_owned(),
            ),
        };
        Text { zh, en }
    }
}
