//! The real kubectl, every version that is there from 1.29 on, through a day's work.
//!
//! `HAKATA_KUBECTL` lists programs, separated by colons; without it, kubectl is looked for on the path, and its other
//! versions (`kubectl.1.33`) beside it. Outputs that have to stay as they are stand in `golden/`; run with
//! `HAKATA_UPDATE=1` to write them anew.

mod day;
mod program;
mod streams;

use crate::world::World;
use program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn every_kubectl_gets_through_its_day() {
    let programs = Program::find();
    if programs.is_empty() {
        println!("SKIPPED: there is no kubectl from 1.29 on; name some with HAKATA_KUBECTL, separated by colons");
        return;
    }
    let world = World::start().await;
    for program in programs {
        println!("kubectl 1.{}", program.minor());
        let (folder, kubeconfig) = (world.folder().to_owned(), world.kubeconfig());
        // The program is waited for, which must not hold up the server.
        let day = tokio::task::spawn_blocking(move || day::run(&program.at(&folder, &kubeconfig)));
        day.await.expect("every step answers as it should");
    }
    world.stop().await;
}
