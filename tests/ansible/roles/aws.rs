//! The emulated AWS of the roles' comparison: an account from a file, at the addresses that a guest expects.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a stage for other programs")]

use emulator::{Account, Builder, Instance, Object, Parameter, Secret};
use serde_json::Value;
use std::net::{TcpListener, TcpStream};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let named = |name: &str| {
        let at = words.iter().position(|word| word == name).unwrap_or_else(|| panic!("{name} is missing"));
        words[at + 1].clone()
    };
    let account: Value = serde_json::from_slice(&std::fs::read(named("--account")).unwrap()).unwrap();
    let mut builder = Builder::new(Account { region: "us-east-2".to_owned(), ..Account::default() })
        .parameter_quota(1000)
        .instance(Instance::default());
    for (name, value) in account["parameters"].as_object().unwrap() {
        // A name with an account in it is another account's, shared with this one.
        let words: Vec<&str> = name.splitn(6, ':').collect();
        let value = value.as_str().unwrap();
        builder = builder.parameter(match words[..] {
            [_, _, _, _, owner, path] => {
                Parameter::string(path.trim_start_matches("parameter"), value).shared_by(owner)
            }
            _ => Parameter::string(name, value),
        });
    }
    for (name, value) in account["secrets"].as_object().unwrap() {
        builder = builder.secret(Secret::string(name, value.as_str().unwrap()));
    }
    for object in account["objects"].as_array().unwrap() {
        let text = |key: &str| object[key].as_str().unwrap();
        builder = builder
            .object(Object::new(text("bucket"), text("key"), std::fs::read(text("file")).unwrap()).in_one_piece());
    }
    let running = builder.start_blocking().unwrap();
    let carried = [(named("--services"), running.endpoint_url()), (named("--metadata"), running.imds_url())];
    for (at, to) in carried {
        carry(&TcpListener::bind(at).unwrap(), to.trim_start_matches("http://").to_owned());
    }
    println!("ready");
    loop {
        std::thread::park();
    }
}

/// Hands every connection on to where the emulator listens.
fn carry(listener: &TcpListener, to: String) {
    let listener = listener.try_clone().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(&to) else { continue };
            for (mut from, mut into) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    std::io::copy(&mut from, &mut into).ok();
                    into.shutdown(std::net::Shutdown::Write).ok();
                });
            }
        }
    });
}
