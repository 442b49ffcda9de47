//! Commands over each protocol, against a backend of the test.

use super::*;
use tokio::io::AsyncWriteExt;

#[test]
fn the_query_says_which_streams_are_wanted() {
    let options = Options::parse(Some("input=1&output=1&error=1&command=sh&tty=0")).unwrap();
    assert_eq!(options, Options { stdin: true, stdout: true, stderr: true, tty: false });
    let terminal = Options::parse(Some("input=1&output=1&error=1&tty=1")).unwrap();
    assert!(terminal.tty && !terminal.stderr, "a terminal has one output");
    assert!(Options::parse(Some("tty=1&error=1")).is_err());
    assert!(Options::parse(None).is_err());
    assert_eq!(words(Some("command=sh&command=-c&command=echo+a%26b&x=y")), ["sh", "-c", "echo a&b"]);
}

#[tokio::test]
async fn the_newest_size_counts() {
    let (mut pipe, inlet) = tokio::io::duplex(64);
    let (sizes, mut size) = watch::channel(None);
    let following = tokio::spawn(follow_sizes(inlet, sizes));
    pipe.write_all(b"{\"Width\":80,\"Height\":24}\n{\"Wid").await.unwrap();
    assert_eq!(*size.wait_for(Option::is_some).await.unwrap(), Some(Size { width: 80, height: 24 }));
    pipe.write_all(b"th\":100,\"Height\":50}").await.unwrap();
    let is_newest = |size: &Option<Size>| *size == Some(Size { width: 100, height: 50 });
    assert!(size.wait_for(is_newest).await.is_ok());
    drop(pipe);
    following.await.unwrap();
}

#[tokio::test]
async fn sizes_that_are_none_are_not_kept() {
    let (mut pipe, inlet) = tokio::io::duplex(64);
    let (sizes, _size) = watch::channel(None);
    let following = tokio::spawn(follow_sizes(inlet, sizes));
    let sent = pipe.write_all(&[b'['; 100_000]).await;
    assert!(sent.is_err(), "nobody reads on");
    following.await.unwrap();
}
