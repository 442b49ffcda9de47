//! Asks other resolvers, one after another, over UDP and, if an answer is too long for that, over TCP.

use super::cache::{Cache, Question};
use super::resolvers::Resolvers;
use super::{Reply, Settings};
use hickory_server::proto::op::{Edns, Message, Query, ResponseCode};
use hickory_server::proto::rr::Name;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tracing::debug;

/// How long one resolver may take, and all of them together.
const PATIENCE: Duration = Duration::from_secs(2);
const ALL_PATIENCE: Duration = Duration::from_secs(5);
/// Answers over UDP that we take.
const MAX_UDP: u16 = 1232;

/// Everything that is not the cluster's.
pub(super) struct Forwarder {
    resolvers: Resolvers,
    /// The longest domains come first.
    stubs: Vec<(Name, Resolvers)>,
    cache: Cache,
}

impl Forwarder {
    pub(super) fn new(settings: &Settings) -> Self {
        let resolvers = match &settings.upstreams {
            Some(servers) => Resolvers::fixed(servers.clone()),
            None => Resolvers::file(settings.resolv_conf.clone(), settings.listen.clone()),
        };
        let mut stubs: Vec<_> = settings
            .stub_domains
            .iter()
            .filter_map(|(domain, servers)| {
                let mut name = Name::from_ascii(domain).ok()?;
                name.set_fqdn(true);
                Some((name, Resolvers::fixed(servers.clone())))
            })
            .collect();
        stubs.sort_by_key(|(domain, _)| std::cmp::Reverse(domain.num_labels()));
        Self { resolvers, stubs, cache: Cache::default() }
    }

    /// The answer of the first resolver that has one.
    pub(super) async fn ask(&self, query: &Query, secure: bool, unchecked: bool) -> Reply {
        let question = Question { name: query.name().to_lowercase(), kind: query.query_type(), secure, unchecked };
        if let Some(reply) = self.cache.get(&question, Instant::now()) {
            return reply;
        }
        let resolvers = self.resolvers_for(query.name());
        let reply = timeout(ALL_PATIENCE, ask_all(resolvers, query, &question)).await.ok().flatten();
        let Some(reply) = reply else { return Reply::failure(ResponseCode::ServFail) };
        self.cache.put(question, &reply, Instant::now());
        reply
    }

    fn resolvers_for(&self, name: &Name) -> &Resolvers {
        let stub = self.stubs.iter().find(|(domain, _)| domain.zone_of(name));
        stub.map_or(&self.resolvers, |(_, resolvers)| resolvers)
    }
}

/// A refusal or failure of one resolver may be an answer of the next; if it is not, it is the answer.
async fn ask_all(resolvers: &Resolvers, query: &Query, question: &Question) -> Option<Reply> {
    let mut refusal = None;
    for server in resolvers.in_order(Instant::now()) {
        let asked = timeout(PATIENCE, ask_one(server, query, question)).await;
        let result = asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match result {
            Ok(reply) => {
                resolvers.answered(server);
                if !matches!(reply.code, ResponseCode::ServFail | ResponseCode::Refused | ResponseCode::NotImp) {
                    return Some(reply);
                }
                refusal = Some(reply);
            }
            Err(error) => {
                debug!(%server, %error, name = %query.name(), "a resolver did not answer");
                resolvers.failed(server, Instant::now());
            }
        }
    }
    refusal
}

async fn ask_one(server: SocketAddr, query: &Query, question: &Question) -> io::Result<Reply> {
    // Message::query chooses an identifier that nobody can guess; the port is the kernel's choice.
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = question.unchecked;
    message.add_query(query.clone());
    let mut edns = Edns::new();
    edns.set_max_payload(MAX_UDP).set_dnssec_ok(question.secure);
    message.set_edns(edns);
    let bytes = message.to_vec().map_err(io::Error::other)?;
    let short = ask_udp(server, &message, &bytes).await?;
    let answer = if short.metadata.truncation { ask_tcp(server, &message, &bytes).await? } else { short };
    Ok(Reply {
        code: answer.metadata.response_code,
        authoritative: false,
        authentic: answer.metadata.authentic_data,
        answers: answer.answers,
        authorities: answer.authorities,
        additionals: answer.additionals,
    })
}

async fn ask_udp(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Message> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        // Whatever does not answer our question is somebody's attempt, or late.
        if let Some(answer) = read_answer(&buffer[..length], asked) {
            return Ok(answer);
        }
    }
}

async fn ask_tcp(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], bytes].concat()).await?;
    let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut buffer).await?;
    read_answer(&buffer, asked).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read_answer(bytes: &[u8], asked: &Message) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    let same = |a: &Query, b: &Query| {
        a.name() == b.name() && a.query_type() == b.query_type() && a.query_class() == b.query_class()
    };
    let fits = answer.metadata.id == asked.metadata.id
        && answer.metadata.message_type == hickory_server::proto::op::MessageType::Response
        && answer.queries.len() == asked.queries.len()
        && answer.queries.iter().zip(&asked.queries).all(|(a, b)| same(a, b));
    fits.then_some(answer)
}
