//! What reaches into real containers: commands, terminals, logs, files, ports and numbers, by our verbs and, where there
//! is one, by kubectl.

use crate::machine::Cluster;
use crate::program::{Program, finished, programs};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox:1
    command: [sh, -c, 'mkdir -p /srv && echo here > /srv/index.html && httpd -f -p 8080 -h /srv & while read line; do echo \"got $line\"; done; sleep 10000']
    stdin: true
  - name: clock
    image: busybox:1
    command: [sh, -c, 'n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.2; done']
---
apiVersion: v1
kind: Pod
metadata: {name: terminal}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: 'busybox:1', command: [sh], stdin: true, tty: true}]
---
apiVersion: v1
kind: Pod
metadata: {name: done}
spec:
  restartPolicy: Never
  containers: [{name: main, image: 'busybox:1', command: [sh, -c, 'echo one; echo two; exit 3']}]
";

#[test]
fn containers_are_reached() {
    let Some(cluster) = Cluster::with_busybox("reach") else { return };
    cluster.apply(PODS);
    cluster.ours(&["wait", "--for=condition=Ready", "pod/web", "pod/terminal", "--timeout=60s"]);
    cluster.ours(&["wait", "--for=jsonpath={.status.phase}=Failed", "pod/done", "--timeout=60s"]);
    for program in programs(&cluster.kubeconfig()) {
        println!("with {}", program.name());
        commands(&program);
        terminals(&program);
        attached(&program);
        cluster.ours(&["wait", "--for=condition=Ready", "pod/terminal", "--timeout=60s"]);
        attached_to_terminal(&program);
        logs(&program);
        files(&program);
        ports(&program);
        numbers(&program);
    }
}

fn commands(program: &Program) {
    program.says("exec web -c main -- echo hello", "", "hello\n");
    program.says("exec -i web -c main -- cat", "from here", "from here");
    let many = "0123456789abcde\n".repeat(100_000);
    program.says("exec -i web -c main -- wc -c", &many, "1600000\n");
    program.fails("exec web -c main -- sh -c 'exit 7'", 7);
    program.fails("exec web -c main -- /no/such/program", 1);
    program.says("exec web -c clock -- sh -c 'cat /proc/1/comm'", "", "sh\n");
}

/// `script` gives the program a terminal of its own.
fn terminals(program: &Program) {
    if !finished("script", &["--version"]) {
        println!("SKIPPED: terminals: there is no `script` (Debian's bsdutils)");
        return;
    }
    let line =
        program.line("exec -it web -c main -- sh -c 'tty; until stty size 2>/dev/null | grep 97; do sleep 0.1; done'");
    let told = program.in_terminal(&format!("stty rows 31 cols 97; {line}"), "");
    assert!(told.contains("/dev/pts/") && told.contains("31 97"), "{told:?}");
    let told = program.in_terminal(&program.line("exec -it web -c main -- sh"), "echo $((6*7))\nexit 5\n");
    assert!(told.contains("42"), "{told:?}");
}

fn attached(program: &Program) {
    let mut child = program.start("attach -i web -c main");
    let mut stdin = child.stdin.take().unwrap();
    // Said again until it is heard; the end of the input ends the session.
    let saying = std::thread::spawn(move || {
        (0..60)
            .take_while(|_| stdin.write_all(b"a word\n").is_ok())
            .for_each(|_| std::thread::sleep(Duration::from_millis(500)));
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let heard = lines.find(|line| line.as_ref().is_ok_and(|line| line == "got a word"));
    assert!(heard.is_some(), "what the container says comes back");
    child.kill().unwrap();
    child.wait().unwrap();
    saying.join().unwrap();
}

/// Whoever leaves the shell ends it, and it is started again.
fn attached_to_terminal(program: &Program) {
    if !finished("script", &["--version"]) {
        return;
    }
    let told = program.in_terminal(&program.line("attach -it terminal"), "echo $((6*7))\nexit 3\n");
    assert!(told.contains("42") && told.contains("exit code 3"), "{told:?}");
}

fn logs(program: &Program) {
    program.says("logs done", "", "one\ntwo\n");
    program.says("logs done --tail=1", "", "two\n");
    let mut child = program.start("logs -f web -c clock --tail=1");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let got: Vec<String> = lines.take(4).map(Result::unwrap).collect();
    assert!(got.len() == 4 && got.iter().all(|line| line.starts_with("tick ")), "{got:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn files(program: &Program) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(path("here"), &content).unwrap();
    program.says(&format!("cp {} web:/tmp/there -c main", path("here")), "", "");
    program.says("exec web -c main -- stat -c %s /tmp/there", "", "400000\n");
    let back = program.run(&format!("cp web:/tmp/there {} -c main", path("back")), "");
    assert_eq!(back.code, Some(0), "{}", back.errors);
    assert!(std::fs::read(path("back")).unwrap() == content, "the file comes back as it was");
}

fn ports(program: &Program) {
    let mut child = program.start("port-forward pod/web :8080 --address 127.0.0.1");
    // It goes on telling of connections, so it has to be heard to the end.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let (_, rest) = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("{line}"));
    let port: u16 = rest.split(' ').next().unwrap().parse().unwrap();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        assert!(page.ends_with("\nhere\n"), "{page:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The first numbers of a new container take a while.
fn numbers(program: &Program) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = program.run("top pod web --containers", "");
        let has_both = ["main", "clock"].iter().all(|name| answer.out.contains(name));
        if answer.code == Some(0) && has_both && answer.out.contains("Mi") {
            return;
        }
        assert!(Instant::now() < deadline, "{}{}", answer.out, answer.errors);
        std::thread::sleep(Duration::from_millis(200));
    }
}
