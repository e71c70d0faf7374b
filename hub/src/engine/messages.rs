//! Alert messages inside the transaction: known things in, decisions out, both stored.

use gridwatch_protocol::{Fault, GatewayId, StreamId, Timestamp};

use super::Source;
use crate::cases::desk::{
    Desk, Outcome, Rules, correlation_key, gateway_key, group_key, local_day,
};
use crate::cases::{Arrival, text};
use crate::parse::{Item, ParsedBatch};
use crate::store::StoreResult;
use crate::store::commit::{self, StoredMessage};
use crate::store::database::Connection;
use crate::store::gateways::{self, HubFault, Refused};
use crate::store::intake::{self, Wanted};

/// Stores a batch's messages, sequence numbers and gap records.
pub(super) async fn store_batch(
    connection: &mut Connection,
    rules: Rules<'_>,
    batch: &ParsedBatch,
    now: Timestamp,
    opened: &mut usize,
) -> StoreResult<Vec<Outcome>> {
    let ParsedBatch {
        gateway, stream, ..
    } = batch;
    for gap in &batch.gaps {
        gateways::write_gap(connection, gateway, stream, gap, now).await?;
    }
    if batch.items.is_empty() {
        return Ok(Vec::new());
    }
    let arrivals: Vec<Arrival> = batch
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Good(alert) => Some(Arrival {
                gateway: gateway.clone(),
                alert: (**alert).clone(),
            }),
            Item::Refused { .. } => None,
        })
        .collect();
    let source = Source {
        gateway,
        stream: Some(stream),
    };
    let (decided, new_cases) = decide(connection, rules, &source, &arrivals, None, now).await?;
    *opened += new_cases;
    let mut decided = decided.into_iter();
    let mut outcomes = Vec::with_capacity(batch.items.len());
    for item in &batch.items {
        outcomes.push(match item {
            Item::Good(_) => decided.next().expect("one outcome for each arrival"),
            Item::Refused { reason, .. } => Outcome::Rejected(reason.clone()),
        });
    }
    account(connection, batch, &outcomes, now).await?;
    Ok(outcomes)
}

/// Decides on messages and stores what was decided; also tells how many cases were opened.
pub(super) async fn decide(
    connection: &mut Connection,
    rules: Rules<'_>,
    source: &Source<'_>,
    arrivals: &[Arrival],
    category: Option<&str>,
    now: Timestamp,
) -> StoreResult<(Vec<Outcome>, usize)> {
    let known = intake::load(connection, &wanted(rules, arrivals, category, now)).await?;
    let mut desk = Desk::new(rules, known);
    let outcomes: Vec<Outcome> = arrivals
        .iter()
        .map(|arrival| desk.receive(arrival, category, now))
        .collect();
    let stream = source.stream.map(ToString::to_string);
    let messages: Vec<StoredMessage<'_>> = arrivals
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)))
        .map(|(arrival, _)| StoredMessage {
            alert: &arrival.alert,
            gateway: source.gateway,
            stream: stream.clone(),
            arrived_at: now,
        })
        .collect();
    commit::write(
        connection,
        rules.directory,
        &desk.known,
        &desk.changes,
        &messages,
    )
    .await?;
    Ok((outcomes, desk.changes.opened.len()))
}

fn wanted(
    rules: Rules<'_>,
    arrivals: &[Arrival],
    category: Option<&str>,
    now: Timestamp,
) -> Wanted {
    let mut wanted = Wanted {
        day: local_day(now, rules.utc_offset_minutes),
        ..Wanted::default()
    };
    for arrival in arrivals {
        let chosen = category
            .and_then(|code| rules.catalogue.get(code))
            .unwrap_or_else(|| rules.catalogue.choose(&arrival.alert));
        wanted.alerts.insert(arrival.alert.id);
        wanted.keys.insert(correlation_key(arrival, chosen));
        wanted.keys.insert(gateway_key(&arrival.gateway));
        wanted.groups.extend(group_key(&arrival.alert, chosen));
        wanted.gateways.insert(arrival.gateway.clone());
    }
    wanted
}

/// Notes which sequence numbers have arrived. A new message under a number that has arrived before
/// shows an outbox that was copied or set back.
async fn account(
    connection: &mut Connection,
    batch: &ParsedBatch,
    outcomes: &[Outcome],
    now: Timestamp,
) -> StoreResult<()> {
    let ParsedBatch {
        gateway, stream, ..
    } = batch;
    let before = gateways::load_received(connection, gateway, stream).await?;
    let mut after = before.clone();
    let mut reused = None;
    for (item, outcome) in batch.items.iter().zip(outcomes) {
        let sequence = item.sequence();
        let is_new = sequence > 0 && after.insert(sequence);
        if let (Item::Refused { reason, body, .. }, true) = (item, is_new || sequence == 0) {
            let refused = Refused {
                sequence,
                reason,
                body,
            };
            gateways::write_refused(connection, gateway, stream, now, refused).await?;
        }
        if matches!(outcome, Outcome::Accepted(_)) && !is_new {
            reused = Some(sequence);
        }
    }
    gateways::write_received(connection, gateway, stream, &before, &after).await?;
    if let Some(sequence) = reused {
        note_reuse(connection, gateway, stream, sequence, now).await?;
    }
    Ok(())
}

async fn note_reuse(
    connection: &mut Connection,
    gateway: &GatewayId,
    stream: &StreamId,
    sequence: u64,
    now: Timestamp,
) -> StoreResult<()> {
    let Some(mut status) = gateways::load_status(connection, gateway).await? else {
        return Ok(());
    };
    let fault = Fault {
        code: super::heartbeat::CLONED.to_owned(),
        subject: stream.to_string(),
        since: now,
        detail: text(
            format!("序号 {sequence} 被用于两条不同的消息：网关磁盘被复制或回退"),
            format!(
                "sequence number {sequence} was used for two messages: the gateway's disk was copied or set back"
            ),
        ),
    };
    if super::heartbeat::note_fault(
        &mut status.hub_faults,
        HubFault {
            fault,
            last_at: now,
        },
    ) {
        crate::store::events::append_gateway_event(connection, gateway, now).await?;
    }
    gateways::write_status(connection, gateway, &status).await
}
