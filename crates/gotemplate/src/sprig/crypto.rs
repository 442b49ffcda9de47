//! Digests, randomness, password hashes, and AES.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine as _;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::encoding::{BASE64, decode64};
use crate::func::Ty::{Int, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::{Str, Value};
use crate::{Failure, Scope, functions};

/// How long a random text may be.
const MAX_RANDOM: usize = 16 << 20;
/// The cost that Go's library takes where none is given.
const BCRYPT_COST: u32 = 10;

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "sha1sum" (Text) Plain |args| Ok(hex(&Sha1::digest(args.str(0).as_bytes())).into());
        "sha256sum" (Text) Plain |args| Ok(hex(&Sha256::digest(args.str(0).as_bytes())).into());
        "sha512sum" (Text) Plain |args| Ok(hex(&Sha512::digest(args.str(0).as_bytes())).into());
        "adler32sum" (Text) Plain |args| Ok(adler32(args.str(0).as_bytes()).to_string().into());
        "randBytes" (Int) Scoped |scope, args| Ok(BASE64.encode(random(scope, length(args)?)).into());
        "randAlphaNum" (Int) Scoped |scope, args| pick(scope, args, |byte| byte.is_ascii_alphanumeric());
        "randAlpha" (Int) Scoped |scope, args| pick(scope, args, |byte| byte.is_ascii_alphabetic());
        "randNumeric" (Int) Scoped |scope, args| pick(scope, args, |byte| byte.is_ascii_digit());
        "randAscii" (Int) Scoped |scope, args| pick(scope, args, |byte| (32..127).contains(byte));
        "uuidv4" () Scoped |scope, _| Ok(uuid(scope).into());
        "bcrypt" (Text) Scoped |scope, args| Ok(bcrypt(scope, &args.str(0)).into());
        "htpasswd" (Text, Text) Scoped htpasswd;
        "encryptAES" (Text, Text) Scoped encrypt;
        "decryptAES" (Text, Text) Plain decrypt;
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

pub(super) fn random(scope: &Scope<'_>, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    (scope.environment().random)(&mut bytes);
    bytes
}

fn length(args: &[Value]) -> Result<usize, Failure> {
    let length = usize::try_from(args.int(0)).ok().filter(|length| *length <= MAX_RANDOM);
    length.ok_or_else(|| Failure::new("runtime error: makeslice: len out of range"))
}

/// A text of characters that fit; bytes of chance that do not are passed over, so all are equally likely.
fn pick(scope: &mut Scope<'_>, args: &[Value], fits: fn(&u8) -> bool) -> Outcome {
    let Ok(count) = usize::try_from(args.int(0)) else { return Ok("".into()) };
    let count = count.min(MAX_RANDOM);
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let bytes = random(scope, 64 + 4 * (count - text.len()));
        let found = bytes.iter().map(|byte| byte & 0x7f).filter(fits).map(char::from);
        text.extend(found.take(count - text.len()));
    }
    Ok(text.into())
}

fn uuid(scope: &Scope<'_>) -> String {
    let mut bytes = random(scope, 16);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn bcrypt(scope: &Scope<'_>, text: &Str) -> String {
    if text.len() > 72 {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned();
    }
    let mut salt = [0; 16];
    (scope.environment().random)(&mut salt);
    match bcrypt::hash_with_salt(text.as_bytes(), BCRYPT_COST, salt) {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
}

fn htpasswd(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let (user, password) = (args.text(0), args.str(1));
    if user.contains(':') {
        return Ok(format!("invalid username: {user}").into());
    }
    Ok(format!("{user}:{}", bcrypt(scope, &password)).into())
}

fn key(password: &Str) -> [u8; 32] {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password.as_bytes()[..length]);
    key
}

fn encrypt(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let text = args.str(1);
    if text.is_empty() {
        return Ok("".into());
    }
    let padding = 16 - text.len() % 16;
    let mut content = text.as_bytes().to_vec();
    content.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or(16), padding));
    let mut iv = [0; 16];
    (scope.environment().random)(&mut iv);
    let cipher = cbc::Encryptor::<aes::Aes256>::new(&key(&args.str(0)).into(), &iv.into());
    let mut out = iv.to_vec();
    out.extend(cipher.encrypt_padded_vec_mut::<NoPadding>(&content));
    Ok(BASE64.encode(out).into())
}

fn decrypt(args: &[Value]) -> Outcome {
    let text = args.str(1);
    if text.is_empty() {
        return Ok("".into());
    }
    let bytes = decode64(&text)?;
    let Some((iv, content)) = bytes.split_first_chunk::<16>() else {
        return Err(Failure::new(format!(
            "runtime error: slice bounds out of range [:16] with capacity {}",
            bytes.len()
        )));
    };
    let cipher = cbc::Decryptor::<aes::Aes256>::new(&key(&args.str(0)).into(), &(*iv).into());
    let mut plain = cipher
        .decrypt_padded_vec_mut::<NoPadding>(content)
        .map_err(|_| Failure::new("crypto/cipher: input not full blocks"))?;
    let padding = plain.last().copied().map(usize::from);
    match padding.and_then(|padding| plain.len().checked_sub(padding)) {
        Some(length) => plain.truncate(length),
        None => return Err(Failure::new("runtime error: slice bounds out of range")),
    }
    Ok(Str::from_bytes(plain).into())
}
