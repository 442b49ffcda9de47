//! The rules of kinds against recorded conversations.

mod conversations;
