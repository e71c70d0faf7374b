//! A small MQTT 3.1.1 client for the simulators: publishes with QoS 1, counts the acknowledgements, and
//! can be as fast as the socket. Not the library that the agent uses, so that a mistake of that
//! library cannot hide itself.
//!
//! It must never retry on its own: a test knows exactly what was published and what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// Unacknowledged messages at most; the broker's own limit for one client is far higher.
const WINDOW: u64 = 4_096;
/// Longest wait for an acknowledgement.
const ACK_MAX: Duration = Duration::from_secs(30);
const KEEP_ALIVE_S: u16 = 0;

/// A message that was received.
#[derive(Debug)]
pub struct Received {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
}

#[derive(Debug, Default)]
struct Acks {
    count: AtomicU64,
    changed: Notify,
    closed: AtomicU64,
}

/// A connected client.
#[derive(Debug)]
pub struct Publisher {
    writer: BufWriter<OwnedWriteHalf>,
    acks: Arc<Acks>,
    reader: JoinHandle<()>,
    received: mpsc::UnboundedReceiver<Received>,
    sent: u64,
}

impl Publisher {
    /// Connects with a clean session.
    ///
    /// # Errors
    /// When the broker is not there or refuses.
    pub async fn connect(port: u16, client_id: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .context("connecting to the broker")?;
        stream.set_nodelay(true).context("setting up the socket")?;
        let (read, write) = stream.into_split();
        let mut reader = BufReader::with_capacity(65_536, read);
        let mut writer = BufWriter::with_capacity(65_536, write);
        writer.write_all(&connect_packet(client_id)?).await?;
        writer.flush().await?;
        let (kind, body) = read_packet(&mut reader).await.context("reading CONNACK")?;
        if kind >> 4 != 2 || body.get(1) != Some(&0) {
            bail!("the broker refused the connection: {kind:#x} {body:?}");
        }
        let acks = Arc::new(Acks::default());
        let (messages, received) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read_all(reader, Arc::clone(&acks), messages));
        Ok(Self {
            writer,
            acks,
            reader,
            received,
            sent: 0,
        })
    }

    /// Publishes and waits until the broker has acknowledged.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn publish(&mut self, topic: &str, payload: &[u8], retain: bool) -> Result<()> {
        self.send(topic, payload, retain).await?;
        self.settle().await
    }

    /// Publishes without waiting, except for room in the window. [`Self::settle`] waits for all.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn send(&mut self, topic: &str, payload: &[u8], retain: bool) -> Result<()> {
        if self.sent >= self.acknowledged() + WINDOW {
            self.writer.flush().await.context("publishing")?;
            self.wait_for(self.sent - WINDOW / 2).await?;
        }
        self.sent += 1;
        let packet = publish_packet(topic, payload, retain, packet_id(self.sent))?;
        self.writer.write_all(&packet).await.context("publishing")?;
        Ok(())
    }

    /// Hands what was sent to the network.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn flush(&mut self) -> Result<()> {
        self.writer.flush().await.context("publishing")
    }

    /// Waits until the broker has acknowledged all that was sent.
    ///
    /// # Errors
    /// When the connection is lost, or nothing comes for a long time.
    pub async fn settle(&mut self) -> Result<()> {
        self.flush().await?;
        self.wait_for(self.sent).await
    }

    /// Messages that the broker has acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acks.count.load(Ordering::Acquire)
    }

    /// Subscribes with QoS 0; messages come from [`Self::receive`].
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn subscribe(&mut self, filter: &str) -> Result<()> {
        let mut body = 1_u16.to_be_bytes().to_vec();
        put_text(&mut body, filter)?;
        body.push(0);
        let mut packet = vec![0x82];
        put_length(&mut packet, body.len());
        packet.extend(body);
        self.writer
            .write_all(&packet)
            .await
            .context("subscribing")?;
        self.flush().await
    }

    /// The next message of a subscription.
    ///
    /// # Errors
    /// When none comes within `limit`.
    pub async fn receive(&mut self, limit: Duration) -> Result<Received> {
        tokio::time::timeout(limit, self.received.recv())
            .await
            .context("no message came")?
            .context("the connection was lost")
    }

    async fn wait_for(&self, count: u64) -> Result<()> {
        let wait = async {
            loop {
                let changed = self.acks.changed.notified();
                if self.acknowledged() >= count {
                    return Ok(());
                }
                if self.acks.closed.load(Ordering::Acquire) > 0 {
                    bail!("the broker closed the connection");
                }
                changed.await;
            }
        };
        tokio::time::timeout(ACK_MAX, wait)
            .await
            .context("waiting for the broker's acknowledgement")?
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_all(
    mut reader: BufReader<OwnedReadHalf>,
    acks: Arc<Acks>,
    messages: mpsc::UnboundedSender<Received>,
) {
    while let Ok((kind, body)) = read_packet(&mut reader).await {
        match kind >> 4 {
            4 => {
                acks.count.fetch_add(1, Ordering::Release);
                acks.changed.notify_waiters();
            }
            3 => {
                if let Some(message) = parse_publish(&body)
                    && messages.send(message).is_err()
                {
                    break;
                }
            }
            _ => {}
        }
    }
    acks.closed.store(1, Ordering::Release);
    acks.changed.notify_waiters();
}

async fn read_packet(reader: &mut BufReader<OwnedReadHalf>) -> Result<(u8, Vec<u8>)> {
    let kind = reader.read_u8().await?;
    let mut length = 0_usize;
    for shift in [0, 7, 14, 21] {
        let byte = reader.read_u8().await?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).await?;
            return Ok((kind, body));
        }
    }
    bail!("a packet's length has more than four bytes")
}

/// A message of QoS 0: topic, then payload.
fn parse_publish(body: &[u8]) -> Option<Received> {
    let length = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
    Some(Received {
        topic: String::from_utf8_lossy(body.get(2..2 + length)?).into_owned(),
        payload: body.get(2 + length..)?.to_vec(),
    })
}

fn connect_packet(client_id: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    put_text(&mut body, "MQTT")?;
    // Protocol level 4 (3.1.1), clean session.
    body.extend([4, 2]);
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    put_text(&mut body, client_id)?;
    let mut packet = vec![0x10];
    put_length(&mut packet, body.len());
    packet.extend(body);
    Ok(packet)
}

fn publish_packet(topic: &str, payload: &[u8], retain: bool, id: u16) -> Result<Vec<u8>> {
    let mut packet = vec![0x32 | u8::from(retain)];
    put_length(&mut packet, 2 + topic.len() + 2 + payload.len());
    put_text(&mut packet, topic)?;
    packet.extend(id.to_be_bytes());
    packet.extend_from_slice(payload);
    Ok(packet)
}

/// Packet identifiers run from 1 to 65535 and start again.
fn packet_id(number: u64) -> u16 {
    u16::try_from((number - 1) % 65_535 + 1).expect("at most 65535")
}

fn put_text(packet: &mut Vec<u8>, text: &str) -> Result<()> {
    let length = u16::try_from(text.len()).context("a text longer than 65535 bytes")?;
    packet.extend(length.to_be_bytes());
    packet.extend_from_slice(text.as_bytes());
    Ok(())
}

fn put_length(packet: &mut Vec<u8>, mut length: usize) {
    loop {
        let byte = u8::try_from(length % 128).expect("below 128");
        length /= 128;
        packet.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_the_standard_says() {
        let written = |length| {
            let mut packet = Vec::new();
            put_length(&mut packet, length);
            packet
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [127]);
        assert_eq!(written(128), [0x80, 1]);
        assert_eq!(written(16_384), [0x80, 0x80, 1]);
        assert_eq!(written(2_097_152), [0x80, 0x80, 0x80, 1]);
    }

    #[test]
    fn packet_identifiers_are_never_zero() {
        assert_eq!(packet_id(1), 1);
        assert_eq!(packet_id(65_535), 65_535);
        assert_eq!(packet_id(65_536), 1);
    }
}
