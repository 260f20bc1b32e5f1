//! What Ansible Vault encrypted: read by those who have the key, unseen by all. The texts are `ansible-vault`'s own.

use super::*;
use crate::secret::{Redactor, Secret};

const A: &str = "a: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          38616435306563343161346431393432663462393765373731656538353566613663353035633831\n          3832653763366437313036643735306632366363396335350a303732393636343065396333633635\n          34393366613933306232323734343161356361366133656161656662643637383837643337343636\n          6266363963346633630a333332386261383233376530386539333033356466316265633463313539\n          65633266653038373937363737303064363238646265623532613266646264666264\n";
const B: &str = "b: !vault |\n          $ANSIBLE_VAULT;1.2;AES256;prod\n          31313931316562326361653935393937616131326438316134396635343932363836363864633433\n          3932343137646330303363636435323035353833393136330a653838653663663165303633396562\n          30613238626361656334393561653837316632633061323436656337343638363738613561343665\n          6437306636643465370a316638353065623739346361393937313638353133613833306664346366\n          6462\n";
const C: &str = "$ANSIBLE_VAULT;1.1;AES256\n32656464336638323431333234383665663861313338656364653239643363623661356135666639\n3262666631343566353333363032663031386238653661650a356464376565316366666231626261\n37646265393666666463363332353837653837336530353861366337356365303364336235323566\n3363666461393265390a393534326538316666633931613037666532353666373839346438396438\n31343362383133646338346166656235633832346665383636613533363061396638\n";
const FILE: &str = "$ANSIBLE_VAULT;1.2;AES256;prod\n35333163333561613432333534326263323534653635643830303163366235366365316138333930\n6466343666363636363731366537326262376335353463610a346335353734333863316432666631\n32303032636630653037393938306236636262363437616636353234646231626134356339313764\n3436653335343136640a313261336164623636616565353037383938376663343831363138623333\n6339\n";

fn vault(keys: &[(&str, &str)]) -> Arc<Vault> {
    let mut vault = Vault::new(Redactor::default());
    for (label, passphrase) in keys {
        let secret = Secret::new((*passphrase).to_owned());
        vault = vault.with(*label, Box::new(move || Ok(secret.clone())));
    }
    Arc::new(vault)
}

const SITE: &str = "- hosts: all
  gather_facts: no
  vars_files: [a.yml, b.yml, c.yml]
  tasks:
  - debug: msg={{ a | length }}{{ a is vault_encrypted }}{{ c is vault_encrypted }}{{ 'x' is vault_encrypted }}
  - debug: msg={{ (a == 's3cret {{ 1+1 }}', c == 'x2', d) }}
  - debug: msg={{ b }}
  - debug: msg={{ lookup('file', 'enc.txt') }}
  - debug: msg={{ lookup('file', 'enc.txt') | hash('md5') == lookup('unvault', 'enc.txt') | trim | hash('md5') }}
";

fn files() -> [(&'static str, &'static str); 5] {
    [("site.yml", SITE), ("a.yml", A), ("b.yml", B), ("c.yml", C), ("files/enc.txt", FILE)]
}

#[test]
fn values_and_files_are_opened_and_stay_secret() {
    let (outcome, said) = run_opened(&files(), &Input::default(), vault(&[("default", "one"), ("prod", "two")]));
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(said[0], "16TrueFalseFalse");
    assert!(said[1].contains("true,true,") && said[1].contains("********"), "{}", said[1]);
    assert_eq!(said[2..], ["********", "********", "true"]);
}

#[test]
fn what_no_key_opens_fails_only_where_it_is_read() {
    let (outcome, said) = run_opened(&files(), &Input::default(), vault(&[("default", "one")]));
    let error = outcome.error.expect("the third task reads what it cannot").to_string();
    assert!(error.contains("Attempt to use undecryptable variable: Decryption failed"), "{error}");
    assert_eq!(said.len(), 3);
}

#[test]
fn an_encrypted_file_of_variables_needs_its_key() {
    let (outcome, said) = run_opened(&files(), &Input::default(), vault(&[]));
    assert!(said.is_empty());
    let error = outcome.error.expect("no key");
    assert!(error.to_string().contains("c.yml"), "{error}");
    assert!(crate::failure::Explain::hint(&error).expect("hint").contains("--vault-id"));
}
