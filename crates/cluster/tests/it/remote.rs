//! The crate `remote` against a server and a node of the test's own: commands, logs, ports and files.

use crate::kubelet;
use crate::world::World;
use ::remote::command::{self, Io, Place, Verb};
use ::remote::forward::{self, Listener, Pair};
use ::remote::logs::{self, Options, Source};
use ::remote::{Error, Result, copy, target};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const NAMESPACE: &str = "default";

/// A server, a node, and a pod with two containers.
async fn prepared() -> (World, kube::Client) {
    let world = World::start().await;
    let client = world.client().await;
    kubelet::start(world.folder(), &client).await;
    kubelet::run_pod(&client, NAMESPACE, "web", &["one", "other"], 7).await;
    (world, client)
}

async fn exec(client: &kube::Client, words: &[&str], stdin: Option<&[u8]>) -> (Result<()>, String, String) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let io = Io { stdin, stdout: &mut out, stderr: &mut err, sizes: None };
    let ended = command::run(client, place(), Verb::Exec(&words), io).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended, text(out), text(err))
}

fn place() -> Place<'static> {
    Place { namespace: NAMESPACE, pod: "web", container: "other" }
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_reached_from_afar() {
    let (world, client) = prepared().await;
    commands(&client).await;
    finds(&client).await;
    reads_logs(&client).await;
    forwards(&client).await;
    copies(&client, world.folder()).await;
    world.stop().await;
}

async fn commands(client: &kube::Client) {
    let (ended, out, err) = exec(client, &["sh", "-c", "cat; echo wrong >&2; exit 3"], Some(b"hello")).await;
    assert!(matches!(ended, Err(Error::Exited(3))), "{ended:?}");
    assert_eq!((out.as_str(), err.as_str()), ("hello", "wrong\n"));
    let (ended, out, _) = exec(client, &["echo", "a b"], None).await;
    assert!(ended.is_ok() && out == "a b\n");
    let large = vec![b'x'; 3_000_000];
    let (ended, out, _) = exec(client, &["wc", "-c"], Some(&large)).await;
    assert!(ended.is_ok() && out == "3000000\n", "{ended:?} {out}");
    let refused = Place { container: "none", ..place() };
    let io = Io { stdin: None::<&[u8]>, stdout: Vec::new(), stderr: Vec::new(), sizes: None };
    let refused = command::run(client, refused, Verb::Attach, io).await.unwrap_err();
    assert_eq!(refused.to_string(), "Error from server (BadRequest): container none is not valid for pod web");
}

async fn finds(client: &kube::Client) {
    let service = object::json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "main"}]}});
    kubelet::create(client, "Service", Some(NAMESPACE), service).await;
    let found = target::find(client, NAMESPACE, "svc/front").await.unwrap();
    assert_eq!(found.name(), "web");
    let pair = Pair::parse("80", found.pod(), found.owner.as_ref().map(Into::into)).unwrap();
    assert_eq!(pair, Pair { local: 80, remote: 7 });
    let missing = target::find(client, NAMESPACE, "pod/none").await.unwrap_err();
    assert_eq!(missing.to_string(), "Error from server (NotFound): pods \"none\" not found");
}

async fn reads_logs(client: &kube::Client) {
    let source = |container: &str| Source {
        namespace: NAMESPACE.to_owned(),
        pod: "web".to_owned(),
        container: container.to_owned(),
    };
    let mut output = Vec::new();
    let options = Options { tail: Some(3), ..Options::default() };
    logs::write(client, &[source("one"), source("other")], &options, true, false, &mut output).await.unwrap();
    let text = String::from_utf8(output).unwrap();
    assert_eq!(text, "[pod/web/one] one: tailLines=3\n[pod/web/other] other: tailLines=3\n");
}

/// Keeps what it is told.
struct Told(mpsc::UnboundedSender<String>);

impl Listener for Told {
    fn say(&self, line: &str) {
        self.0.send(line.to_owned()).unwrap();
    }

    fn complain(&self, line: &str) {
        self.0.send(format!("complaint: {line}")).unwrap();
    }
}

async fn forwards(client: &kube::Client) {
    let (told_tx, mut told) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let running = {
        let (client, stop) = (client.clone(), stop.clone());
        let pairs = [Pair { local: 0, remote: 7 }, Pair { local: 0, remote: 9 }];
        tokio::spawn(async move {
            let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
            forward::run(&client, NAMESPACE, "web", &addresses, &pairs, Arc::new(Told(told_tx)), stop).await
        })
    };
    let mut ports = Vec::new();
    for remote in [7, 9] {
        let line = told.recv().await.unwrap();
        let port = line.strip_prefix("Forwarding from 127.0.0.1:").unwrap();
        ports.push(port.strip_suffix(&format!(" -> {remote}")).unwrap().parse::<u16>().unwrap());
    }
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(TcpStream::connect(("127.0.0.1", ports[0])).await.unwrap());
    }
    for (at, stream) in open.iter_mut().enumerate() {
        let sent = vec![u8::try_from(at).unwrap(); 300_000];
        let (mut reader, mut writer) = stream.split();
        let mut back = Vec::new();
        let send = async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let (read, ()) = tokio::join!(reader.read_to_end(&mut back), send);
        read.unwrap();
        assert!(back == sent, "connection {at} gives back what it got");
    }
    let mut refused = TcpStream::connect(("127.0.0.1", ports[1])).await.unwrap();
    assert_eq!(refused.read_to_end(&mut Vec::new()).await.unwrap_or_default(), 0);
    let complaint = loop {
        let line = told.recv().await.unwrap();
        if let Some(complaint) = line.strip_prefix("complaint: ") {
            break complaint.to_owned();
        }
    };
    assert!(complaint.contains("error forwarding port 9 to pod"), "{complaint}");
    stop.cancel();
    running.await.unwrap().unwrap();
}

async fn copies(client: &kube::Client, folder: &Path) {
    let (here, there, back) = (folder.join("here"), folder.join("there"), folder.join("back"));
    std::fs::create_dir_all(here.join("deep")).unwrap();
    std::fs::write(here.join("deep/file"), vec![7; 500_000]).unwrap();
    let there = there.display().to_string();
    copy::upload(client, place(), &here, &there, false).await.unwrap();
    assert_eq!(std::fs::read(format!("{there}/deep/file")).unwrap().len(), 500_000);
    assert_eq!(copy::download(client, place(), &there, &back).await.unwrap(), Vec::<String>::new());
    assert!(std::fs::read(back.join("deep/file")).unwrap() == vec![7; 500_000]);
    let file = format!("{there}/deep/file");
    for _ in 0..5 {
        copy::download(client, place(), &file, &folder.join("alone")).await.unwrap();
    }
    assert_eq!(std::fs::metadata(folder.join("alone")).unwrap().len(), 500_000);
    let missing = copy::download(client, place(), "/no/such/file", &back).await.unwrap_err();
    assert!(missing.to_string().contains("No such file"), "{missing}");
}
