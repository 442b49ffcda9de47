//! Values that are sealed on disk: what lies there, what is read back, and how keys are turned over.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use store::{OpenError, Options, Seal, Store, Template, Txn};

/// Exchanges each byte of values below `/secret/` by a key of one byte, which comes first.
#[derive(Debug)]
struct Toy {
    key: AtomicU8,
    known: Vec<u8>,
}

impl Toy {
    fn new(key: u8, known: &[u8]) -> Arc<Toy> {
        Arc::new(Toy { key: AtomicU8::new(key), known: known.to_vec() })
    }

    fn key(&self) -> u8 {
        self.key.load(Ordering::Relaxed)
    }
}

impl Seal for Toy {
    fn seal(&self, key: &str, value: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        let sealed = || [self.key()].into_iter().chain(value.iter().map(|byte| byte ^ self.key())).collect();
        Ok((key.starts_with("/secret/") && self.key() != 0).then(sealed))
    }

    fn open(&self, key: &str, stored: &[u8]) -> Result<Option<Vec<u8>>, String> {
        match stored {
            [b'{', ..] => Ok(None),
            [by, rest @ ..] if key.starts_with("/secret/") && self.known.contains(by) => {
                Ok(Some(rest.iter().map(|byte| byte ^ by).collect()))
            }
            _ => Err("the key is not there".to_owned()),
        }
    }

    fn is_current(&self, key: &str, stored: &[u8]) -> bool {
        !key.starts_with("/secret/") || stored[0] == if self.key() == 0 { b'{' } else { self.key() }
    }
}

fn open(folder: &Path, seal: Option<Arc<Toy>>) -> Result<Store<()>, OpenError> {
    let seal = seal.map(|seal| seal as Arc<dyn Seal>);
    Store::open(folder, &Options { seal, ..Options::default() })
}

fn template(text: &str) -> Template {
    Template { json: text.as_bytes().to_vec(), revision_at: None }
}

async fn put(store: &Store<()>, key: &str, text: &str) {
    store.commit(Txn::new().put(key, template(text))).await.unwrap();
}

fn value(store: &Store<()>, key: &str) -> String {
    String::from_utf8(store.snapshot().get(key).unwrap().value.to_vec()).unwrap()
}

/// True if some file in the folder has the text in it.
fn lies_open(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    files
        .map(|file| std::fs::read(file.path()).unwrap())
        .any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

const TEXT: &str = "{\"password\":\"swordfish\"}";

#[tokio::test]
async fn what_is_sealed_never_lies_open_and_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Some(Toy::new(7, &[7]))).unwrap();
    put(&store, "/secret/a", TEXT).await;
    put(&store, "/public/b", "{\"name\":\"visible\"}").await;
    put(&store, "/secret/gone", TEXT).await;
    store.commit(Txn::new().delete("/secret/gone", None)).await.unwrap();
    assert_eq!(value(&store, "/secret/a"), TEXT);
    let backup = folder.path().join("backup.db");
    store.backup(&backup).await.unwrap();
    store.close().await;
    assert!(!lies_open(folder.path(), "swordfish"));
    assert!(lies_open(folder.path(), "visible"));

    let store = open(folder.path(), Some(Toy::new(7, &[7]))).unwrap();
    assert_eq!(value(&store, "/secret/a"), TEXT);
    let restored = tempfile::tempdir().unwrap();
    store::restore(&backup, restored.path()).unwrap();
    let restored = open(restored.path(), Some(Toy::new(7, &[7]))).unwrap();
    assert_eq!(value(&restored, "/secret/a"), TEXT);
}

#[tokio::test]
async fn what_lay_open_is_sealed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), None).unwrap();
    for number in 0..600 {
        put(&store, &format!("/secret/{number}"), &TEXT.replace("fish", &"fish".repeat(1 + number % 900))).await;
    }
    put(&store, "/secret/0", "{\"password\":\"swordfish again\"}").await;
    let revision = store.revision();
    store.close().await;
    assert!(lies_open(folder.path(), "swordfish"));

    let store = open(folder.path(), Some(Toy::new(7, &[7]))).unwrap();
    assert_eq!((store.revision(), store.snapshot().len()), (revision, 600));
    assert_eq!(value(&store, "/secret/0"), "{\"password\":\"swordfish again\"}");
    store.close().await;
    assert!(!lies_open(folder.path(), "swordfish"));
}

#[tokio::test]
async fn keys_are_turned_over_while_the_store_works() {
    let folder = tempfile::tempdir().unwrap();
    let toy = Toy::new(7, &[7, 9]);
    let store = open(folder.path(), Some(toy.clone())).unwrap();
    put(&store, "/secret/a", TEXT).await;
    toy.key.store(9, Ordering::Relaxed);
    assert_eq!(store.reseal().await.unwrap(), 1);
    assert_eq!(store.reseal().await.unwrap(), 0);
    put(&store, "/secret/b", TEXT).await;
    store.close().await;
    // The old key is not needed any more.
    let store = open(folder.path(), Some(Toy::new(9, &[9]))).unwrap();
    assert_eq!((value(&store, "/secret/a"), value(&store, "/secret/b")), (TEXT.to_owned(), TEXT.to_owned()));
}

#[tokio::test]
async fn without_the_key_the_store_does_not_open_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Some(Toy::new(7, &[7]))).unwrap();
    put(&store, "/secret/a", TEXT).await;
    store.close().await;
    let error = open(folder.path(), Some(Toy::new(9, &[9]))).err().unwrap().to_string();
    assert!(error.ends_with(": /secret/a: the key is not there"), "{error}");
    assert!(open(folder.path(), Some(Toy::new(7, &[7]))).is_ok());
}
