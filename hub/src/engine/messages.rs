//! Alert messages inside the transaction: known things in, decisions out, both stored.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{Fault, GatewayId, SiteId, StreamId, Timestamp};

use crate::cases::desk::{
    Desk, Outcome, Rules, correlation_key, gateway_key, group_key, local_day,
};
use crate::cases::{Arrival, Case, CaseId, text};
use crate::catalogue::CHATTERING;
use crate::parse::{Item, ParsedBatch};
use crate::store::StoreResult;
use crate::store::commit::{self, StoredMessage};
use crate::store::correlation;
use crate::store::database::Connection;
use crate::store::gateways::{self, HubFault, Refused};
use crate::store::intake::{self, Wanted};

/// A batch, and when it arrived.
pub(super) type Arrived<'a> = (&'a ParsedBatch, Timestamp);

/// A message, the outbox it came from (none for the hub's own), and when it arrived.
struct Sent<'a> {
    arrival: Arrival,
    stream: Option<&'a StreamId>,
    at: Timestamp,
}

/// What became of batches.
pub(super) struct Stored {
    /// For each batch, and in it for each message, in order.
    pub(super) outcomes: Vec<Vec<Outcome>>,
    /// The cases that they opened, as they are now.
    pub(super) opened: BTreeMap<CaseId, Case>,
}

/// Stores the messages, sequence numbers and gap records of batches, in order: one desk for all of them,
/// so that what many gateways send at once costs the statements of one.
pub(super) async fn store_batches(
    connection: &mut Connection,
    rules: Rules<'_>,
    batches: &[Arrived<'_>],
) -> StoreResult<Stored> {
    let mut sent = Vec::new();
    for (batch, at) in batches {
        for gap in &batch.gaps {
            gateways::write_gap(connection, &batch.gateway, &batch.stream, gap, *at).await?;
        }
        sent.extend(batch.items.iter().filter_map(|item| match item {
            Item::Good(alert) => Some(Sent {
                arrival: Arrival {
                    gateway: batch.gateway.clone(),
                    alert: (**alert).clone(),
                },
                stream: Some(&batch.stream),
                at: *at,
            }),
            Item::Refused { .. } => None,
        }));
    }
    let (decided, opened) = decide_all(connection, rules, &sent, None).await?;
    let mut decided = decided.into_iter();
    let mut outcome = |item: &Item| match item {
        Item::Good(_) => decided.next().expect("one outcome for each message"),
        Item::Refused { reason, .. } => Outcome::Rejected(reason.clone()),
    };
    let outcomes: Vec<Vec<Outcome>> = batches
        .iter()
        .map(|(batch, _)| batch.items.iter().map(&mut outcome).collect())
        .collect();
    account(connection, batches, &outcomes).await?;
    Ok(Stored { outcomes, opened })
}

/// Decides on messages of the hub's own and stores what was decided; also tells how many cases were opened.
pub(super) async fn decide(
    connection: &mut Connection,
    rules: Rules<'_>,
    arrival: Arrival,
    category: Option<&str>,
    now: Timestamp,
) -> StoreResult<(Outcome, usize)> {
    let sent = Sent {
        arrival,
        stream: None,
        at: now,
    };
    let (mut outcomes, opened) = decide_all(connection, rules, &[sent], category).await?;
    let outcome = outcomes.pop().expect("one outcome for each message");
    Ok((outcome, opened.len()))
}

async fn decide_all(
    connection: &mut Connection,
    rules: Rules<'_>,
    sent: &[Sent<'_>],
    category: Option<&str>,
) -> StoreResult<(Vec<Outcome>, BTreeMap<CaseId, Case>)> {
    let times = || sent.iter().map(|sent| sent.at);
    let (Some(earliest), Some(latest)) = (times().min(), times().max()) else {
        return Ok((Vec::new(), BTreeMap::new()));
    };
    let wanted = wanted(rules, sent, category);
    let mut known = intake::load(connection, &wanted).await?;
    let new = sent
        .iter()
        .map(|sent| &sent.arrival.alert)
        .filter(|alert| !known.alerts.contains_key(&alert.id));
    let sites: BTreeSet<SiteId> = new.map(|alert| alert.site.clone()).collect();
    if !sites.is_empty() {
        // What stands at the first of them; the desk looks at each with its own time.
        correlation::load(
            connection,
            rules,
            &wanted.keys,
            &sites,
            earliest,
            &mut known,
        )
        .await?;
    }
    let mut desk = Desk::new(rules, known);
    let outcomes: Vec<Outcome> = sent
        .iter()
        .map(|sent| desk.receive(&sent.arrival, category, sent.at))
        .collect();
    let own = desk.changes.own.iter().map(|arrival| StoredMessage {
        alert: &arrival.alert,
        gateway: &arrival.gateway,
        stream: None,
        arrived_at: latest,
    });
    let messages: Vec<StoredMessage<'_>> = sent
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)))
        .map(|(sent, _)| StoredMessage {
            alert: &sent.arrival.alert,
            gateway: &sent.arrival.gateway,
            stream: sent.stream.map(ToString::to_string),
            arrived_at: sent.at,
        })
        .chain(own)
        .collect();
    commit::write(
        connection,
        rules.directory,
        &desk.known,
        &desk.changes,
        &messages,
    )
    .await?;
    correlation::write(connection, &desk.known, &desk.changes, latest).await?;
    let Desk {
        mut known, changes, ..
    } = desk;
    let opened = changes
        .opened
        .iter()
        .filter_map(|id| known.cases.remove_entry(id));
    Ok((outcomes, opened.collect()))
}

fn wanted(rules: Rules<'_>, sent: &[Sent<'_>], category: Option<&str>) -> Wanted {
    let mut wanted = Wanted::default();
    for Sent { arrival, at, .. } in sent {
        wanted.days.insert(local_day(*at, rules.utc_offset_minutes));
        let chosen = category
            .and_then(|code| rules.catalogue.get(code))
            .unwrap_or_else(|| rules.catalogue.choose(&arrival.alert));
        wanted.alerts.insert(arrival.alert.id);
        wanted.keys.insert(correlation_key(arrival, chosen));
        let chattering = rules.catalogue.get(CHATTERING);
        let of_chatter = chattering.map(|category| correlation_key(arrival, category));
        wanted.keys.extend(of_chatter);
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
    batches: &[Arrived<'_>],
    outcomes: &[Vec<Outcome>],
) -> StoreResult<()> {
    let outboxes = batches
        .iter()
        .filter(|(batch, _)| !batch.items.is_empty())
        .map(|(batch, _)| (&batch.gateway, &batch.stream))
        .collect();
    let before = gateways::load_received(connection, &outboxes).await?;
    let mut after = before.clone();
    let mut reused = BTreeMap::new();
    for ((batch, at), outcomes) in batches.iter().zip(outcomes) {
        let outbox = (&batch.gateway, &batch.stream);
        for (item, outcome) in batch.items.iter().zip(outcomes) {
            let sequence = item.sequence();
            let is_new = sequence > 0 && after.entry(outbox).or_default().insert(sequence);
            if let (Item::Refused { reason, body, .. }, true) = (item, is_new || sequence == 0) {
                let refused = Refused {
                    sequence,
                    reason,
                    body,
                };
                gateways::write_refused(connection, &batch.gateway, &batch.stream, *at, refused)
                    .await?;
            }
            if matches!(outcome, Outcome::Accepted(_)) && !is_new {
                reused.insert(outbox, (sequence, *at));
            }
        }
    }
    gateways::write_received(connection, &before, &after).await?;
    for ((gateway, stream), (sequence, at)) in reused {
        note_reuse(connection, gateway, stream, sequence, at).await?;
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
