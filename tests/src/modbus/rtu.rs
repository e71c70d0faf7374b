//! RTU frames in a TCP stream, as a serial device server hands them on.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::{Reply, Units, look};

/// CRC-16 of Modbus over serial line, low byte first.
pub(super) fn checksum(bytes: &[u8]) -> [u8; 2] {
    let sum = bytes.iter().fold(0xffff_u16, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| {
            let shifted = sum >> 1;
            if sum & 1 == 1 {
                shifted ^ 0xa001
            } else {
                shifted
            }
        })
    });
    sum.to_le_bytes()
}

/// Answers read requests, 8 bytes each, until the connection ends.
pub(super) async fn serve(stream: TcpStream, units: &Units) -> Result<()> {
    let (mut requests, answers) = stream.into_split();
    let answers = Arc::new(Mutex::new(answers));
    let mut workers = JoinSet::new();
    let mut queues: HashMap<u8, mpsc::UnboundedSender<Reply>> = HashMap::new();
    let mut request = [0; 8];
    loop {
        requests.read_exact(&mut request).await?;
        ensure!(
            request[6..] == checksum(&request[..6]),
            "a request with a wrong checksum"
        );
        let unit = request[0];
        let reply = look(units, unit, &request[1..6]);
        let queue = queues.entry(unit).or_insert_with(|| {
            let (queue, replies) = mpsc::unbounded_channel();
            workers.spawn(answer(unit, replies, Arc::clone(&answers)));
            queue
        });
        // The worker ends only with the connection.
        queue.send(reply).ok();
    }
}

/// A unit answers one request after the other, each unit by itself.
async fn answer(
    unit: u8,
    mut replies: mpsc::UnboundedReceiver<Reply>,
    line: Arc<Mutex<OwnedWriteHalf>>,
) {
    while let Some(reply) = replies.recv().await {
        tokio::time::sleep(reply.after).await;
        let mut line = line.lock().await;
        for part in reply.parts {
            let mut frame = vec![unit];
            frame.extend_from_slice(&part.pdu);
            frame.extend(checksum(&frame));
            if line.write_all(&part.spoil(frame)).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // Read Exception Status of unit 2, Modbus over serial line 1.02, appendix B.
        assert_eq!(checksum(&[2, 7]), [0x41, 0x12]);
    }
}
