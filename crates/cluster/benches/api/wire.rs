//! HTTP/1.1 over one connection with as little work as possible: what the client computes, the server cannot.

use crate::objects::Ask;
use http::StatusCode;
use std::fmt::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// How much is read at once.
const BLOCK: usize = 64 * 1024;

/// One connection, for one request after the other.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    host: String,
    sent: String,
    read: Vec<u8>,
    /// Where in `read` lies what was not looked at yet.
    from: usize,
    to: usize,
}

/// Where the body of an answer ends.
enum Ends {
    After(usize),
    AtLastChunk,
}

impl Connection {
    pub(crate) fn new(stream: TlsStream<TcpStream>, host: String) -> Connection {
        Connection { stream, host, sent: String::new(), read: vec![0; BLOCK], from: 0, to: 0 }
    }

    /// Asks, and reads the answer to its end, which has to be a good one. Tells its length.
    pub(crate) async fn ask(&mut self, ask: Ask) -> u64 {
        let (status, ends) = self.send(&ask).await;
        let mut refusal = Vec::new();
        let mut length = 0;
        let keeps = !status.is_success();
        self.body(ends, |part| {
            length += part.len() as u64;
            if keeps {
                refusal.extend_from_slice(part);
            }
        })
        .await;
        assert!(status.is_success(), "{}: {status} {}", ask.path, String::from_utf8_lossy(&refusal));
        length
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn answer(&mut self, ask: Ask) -> (StatusCode, Vec<u8>) {
        let (status, ends) = self.send(&ask).await;
        let mut body = Vec::new();
        self.body(ends, |part| body.extend_from_slice(part)).await;
        (status, body)
    }

    /// Sends a request, and reads the head of the answer.
    async fn send(&mut self, ask: &Ask) -> (StatusCode, Ends) {
        self.sent.clear();
        write!(self.sent, "{} {} HTTP/1.1\r\nhost: {}\r\n", ask.method, ask.path, self.host).unwrap();
        for (name, value) in [("accept", ask.accept), ("content-type", ask.content_type)] {
            if !value.is_empty() {
                write!(self.sent, "{name}: {value}\r\n").unwrap();
            }
        }
        write!(self.sent, "content-length: {}\r\n\r\n", ask.body.len()).unwrap();
        self.sent.push_str(std::str::from_utf8(&ask.body).unwrap());
        self.stream.write_all(self.sent.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
        self.head().await
    }

    async fn head(&mut self) -> (StatusCode, Ends) {
        let end = self.find(b"\r\n\r\n").await;
        let head = std::str::from_utf8(&self.read[self.from..end]).unwrap();
        let status = StatusCode::from_bytes(&head.as_bytes()[9..12]).unwrap();
        let mut ends = Ends::After(0);
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(':').unwrap();
            if name.eq_ignore_ascii_case("content-length") {
                ends = Ends::After(value.trim().parse().unwrap());
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                ends = Ends::AtLastChunk;
            }
        }
        self.from = end + 4;
        (status, ends)
    }

    async fn body(&mut self, ends: Ends, mut take: impl FnMut(&[u8])) {
        match ends {
            Ends::After(length) => self.take(length, &mut take).await,
            Ends::AtLastChunk => loop {
                let end = self.find(b"\r\n").await;
                let size = std::str::from_utf8(&self.read[self.from..end]).unwrap();
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                self.from = end + 2;
                self.take(size, &mut take).await;
                self.take(2, &mut |_| {}).await;
                if size == 0 {
                    return;
                }
            },
        }
    }

    /// Hands out the next bytes, block by block.
    async fn take(&mut self, mut length: usize, take: &mut impl FnMut(&[u8])) {
        while length > 0 {
            if self.from == self.to {
                self.fill().await;
            }
            let part = length.min(self.to - self.from);
            take(&self.read[self.from..self.from + part]);
            self.from += part;
            length -= part;
        }
    }

    /// Where the next mark stands; it is read until there is one.
    async fn find(&mut self, mark: &[u8]) -> usize {
        loop {
            let found = self.read[self.from..self.to].windows(mark.len()).position(|window| window == mark);
            if let Some(found) = found {
                return self.from + found;
            }
            self.fill().await;
        }
    }

    async fn fill(&mut self) {
        self.read.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        let count = self.stream.read(&mut self.read[self.to..]).await.unwrap();
        assert!(count > 0, "the server ended a connection");
        self.to += count;
    }
}
