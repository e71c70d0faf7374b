//! What can be wrong with the model while the agent runs, in words for people.
//!
//! A fault never stops anything: the rules go on. It is what the heartbeat reports.

use gridwatch_protocol::Text;

/// Why there are no scores, or not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFault {
    /// The bundle could not be loaded; it is tried again from time to time.
    NotLoaded {
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
    /// Rooms wait and nothing comes back.
    Mute {
        /// For how long, in s.
        seconds: u64,
    },
    /// The model's thread has ended.
    Gone,
}

impl ModelFault {
    /// Stable code for the heartbeat.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ModelFault::NotLoaded { .. } => "model_unavailable",
            ModelFault::Failing { .. } => "model_failing",
            ModelFault::TooSlow { .. } => "model_slow",
            ModelFault::Mute { .. } => "model_mute",
            ModelFault::Gone => "model_gone",
        }
    }

    /// What is wrong and what to do.
    #[must_use]
    pub fn text(&self) -> Text {
        let (zh, en) = match self {
            ModelFault::NotLoaded { error } => (
                format!("异常检测模型未能加载，规则照常运行。请检查模型包：{error}"),
                format!(
                    "the anomaly model could not be loaded; the rules go on. Check the bundle: {error}"
                ),
            ),
            ModelFault::Failing { error } => (
                format!("异常检测模型连续计算失败，规则照常运行，稍后自动重试：{error}"),
                format!(
                    "the anomaly model keeps failing; the rules go on, it is tried again: {error}"
                ),
            ),
            ModelFault::TooSlow { took_ms, budget_ms } => (
                format!(
                    "异常检测模型太慢（{took_ms} 毫秒，上限 {budget_ms} 毫秒），已暂停，规则照常运行。请检查网关负载"
                ),
                format!(
                    "the anomaly model is too slow ({took_ms} ms, at most {budget_ms} ms) and pauses; the rules go on. Check the gateway's load"
                ),
            ),
            ModelFault::Mute { seconds } => (
                format!("异常检测模型 {seconds} 秒没有输出，规则照常运行。如不恢复请重启边缘代理"),
                format!(
                    "the anomaly model has given nothing for {seconds} s; the rules go on. Restart the agent if it stays so"
                ),
            ),
            ModelFault::Gone => (
                "异常检测模型线程已退出，规则照常运行。请重启边缘代理".to_owned(),
                "the anomaly model's thread has ended; the rules go on. Restart the agent"
                    .to_owned(),
            ),
        };
        Text { zh, en }
    }
}
