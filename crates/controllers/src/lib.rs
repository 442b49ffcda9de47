//! The controllers: one file per controller.
