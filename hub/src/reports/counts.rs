//! The counts of a group of cases. The definition of each is the expression over a row of `case_figures`
//! that the store adds up; so what is documented is what is computed, on both databases.
//!
//! Everything here is a sum over cases: groups that share no case add up.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident = $sql:literal,)+) => {
        /// See the module's page. `$now` in the expressions is the time of the report.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: i64,)+
        }

        impl Counts {
            /// The names, in order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),+];
            /// What is added up for each, over the columns of `case_figures f`.
            pub(crate) const SQL: &'static [&'static str] = &[$($sql),+];

            /// The values, in order.
            #[must_use]
            pub fn values(&self) -> Vec<i64> {
                vec![$(self.$name),+]
            }

            /// Reads them from the columns of a row, beginning with `first`.
            pub(crate) fn read(row: &AnyRow, first: usize) -> Self {
                let mut column = first..;
                let mut next = || row.get::<i64, _>(column.next().expect("endless"));
                Self { $($name: next(),)+ }
            }

            /// Adds those of another group.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counts! {
    /// 上报数: every case but drills.
    reported = "f.is_drill = 0",
    /// 演练: drills and tests; in no other count.
    drills = "f.is_drill = 1",
    /// 并案数: in another case now.
    merged = "f.is_drill = 0 AND f.outcome = 'merged'",
    /// Not filed, because it had been reported before.
    duplicates = "f.is_drill = 0 AND f.outcome = 'rejected' AND f.cause = 'duplicate'",
    /// 不予立案数: not filed, whatever the cause.
    rejected = "f.is_drill = 0 AND f.outcome = 'rejected'",
    /// 误报数: not filed, because the alarm was false.
    false_alarms = "f.is_drill = 0 AND f.outcome = 'rejected' AND f.cause = 'false_alarm'",
    /// Somebody has acknowledged it.
    acknowledged = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.acknowledge_ms IS NOT NULL",
    /// Acknowledged after the limit.
    acknowledged_late = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.acknowledge_ms IS NOT NULL AND f.acknowledge_late = 1",
    /// Open, and nobody has acknowledged it.
    unacknowledged = "f.is_drill = 0 AND f.outcome = 'open' AND f.acknowledge_ms IS NULL",
    /// 立案数
    filed = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.is_filed = 1",
    /// 派遣数: a unit got it, or the office settled it.
    dispatched = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.is_dispatched = 1",
    /// 处置数: with a result that was not sent back; without forced closings.
    handled = "f.is_drill = 0 AND f.outcome IN ('open', 'closed') AND f.is_handled = 1",
    /// Handled after the limit with its extensions.
    handled_late = "f.is_drill = 0 AND f.outcome IN ('open', 'closed') AND f.is_handled = 1 AND f.handle_late = 1",
    /// Of these exempted by an appeal.
    handled_late_exempted = "f.is_drill = 0 AND f.outcome IN ('open', 'closed') AND f.is_handled = 1 AND f.handle_late = 1 AND f.appeal = 3",
    /// Not handled, and the limit is over.
    handling_overdue = "f.is_drill = 0 AND f.outcome = 'open' AND f.is_handled = 0 AND f.handle_due_at < $now",
    /// 结案数; forced closings are apart.
    closed = "f.is_drill = 0 AND f.outcome = 'closed'",
    /// Closed after the limits of dispatch, disposal and check, one after the other.
    closed_late = "f.is_drill = 0 AND f.outcome = 'closed' AND f.close_late = 1",
    /// Of these exempted by an appeal.
    closed_late_exempted = "f.is_drill = 0 AND f.outcome = 'closed' AND f.close_late = 1 AND f.appeal = 3",
    /// Filed and open, and all limits are over.
    closing_overdue = "f.is_drill = 0 AND f.outcome = 'open' AND f.close_due_at < $now",
    /// 强制结案数
    forced = "f.is_drill = 0 AND f.outcome = 'forced'",
    /// Of these dispatched.
    forced_dispatched = "f.is_drill = 0 AND f.outcome = 'forced' AND f.is_dispatched = 1",
    /// Of these filed.
    forced_filed = "f.is_drill = 0 AND f.outcome = 'forced' AND f.is_filed = 1",
    /// 返工案件数: not good enough at least once.
    reworked = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.reworks > 0",
    /// With a result at least once, good enough or not.
    ever_handled = "f.is_drill = 0 AND f.outcome <> 'merged' AND (f.is_handled = 1 OR f.reworks > 0)",
    /// 返工次数: how often a result was not good enough.
    reworks = "f.is_drill = 0 AND f.outcome <> 'merged' THEN f.reworks WHEN 1 = 0",
    /// 退回次数: how often a unit said that it is not its duty.
    sent_back = "f.is_drill = 0 AND f.outcome <> 'merged' THEN f.sent_back WHEN 1 = 0",
    /// Opened again at least once.
    reopened = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.reopened > 0",
    /// 延期申请数
    extensions_asked = "f.is_drill = 0 AND f.outcome <> 'merged' THEN f.extensions_asked WHEN 1 = 0",
    /// 延期批准数
    extensions_granted = "f.is_drill = 0 AND f.outcome <> 'merged' THEN f.extensions_granted WHEN 1 = 0",
    /// 挂账申请数
    suspensions_asked = "f.is_drill = 0 AND f.outcome <> 'merged' THEN f.suspensions_asked WHEN 1 = 0",
    /// 挂账批准数
    suspensions_granted = "f.is_drill = 0 AND f.outcome <> 'merged' THEN f.suspensions_granted WHEN 1 = 0",
    /// 申诉数
    appeals = "f.is_drill = 0 AND f.appeal > 0",
    /// 申诉成功数: both reviews agree.
    appeals_granted = "f.is_drill = 0 AND f.appeal = 3",
    /// 黄牌数: have a yellow card; not those that were taken back or exempted.
    yellow_cards = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.card = 1 AND f.appeal <> 3",
    /// 红牌数: have a red card; not those that were taken back or exempted.
    red_cards = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.card = 2 AND f.appeal <> 3",
    /// Whose worst card was ever yellow, whatever became of it.
    yellow_cards_given = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.card_worst = 1",
    /// Whose worst card was ever red, whatever became of it.
    red_cards_given = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.card_worst = 2",
    /// 得分: +1 for each closed case without a card, -5 for each yellow card, -10 for each red card.
    /// Exempted cases and cards that were taken back count as none.
    score = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.card = 1 AND f.appeal <> 3 THEN -5 WHEN f.is_drill = 0 AND f.outcome <> 'merged' AND f.card = 2 AND f.appeal <> 3 THEN -10 WHEN f.is_drill = 0 AND f.outcome = 'closed'",
    /// The same with every card that was ever given, and without exemptions.
    score_given = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.card_worst = 1 THEN -5 WHEN f.is_drill = 0 AND f.outcome <> 'merged' AND f.card_worst = 2 THEN -10 WHEN f.is_drill = 0 AND f.outcome = 'closed'",
    /// 评价数: scored 1 to 5.
    rated = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.rating IS NOT NULL",
    /// Sum of these scores.
    rating_sum = "f.is_drill = 0 AND f.outcome <> 'merged' AND f.rating IS NOT NULL THEN f.rating WHEN 1 = 0",
}
