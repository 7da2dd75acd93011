//! Random histories by several actors, against the store in memory: the same answer to every step, and never anything
//! lost.

use connector_registry::{Change, ConnectorStore, Edit, Expects, MemoryStore, Uuid};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::places::{Place, assert_consistent, change, id, moment, on_both, save};

on_both!(agrees_with_the_model);

/// How many histories are tried.
const HISTORIES: u32 = 24;

#[derive(Debug, Clone)]
struct Step {
    /// One of two processes.
    actor: usize,
    tenant: usize,
    creates: bool,
    expects: Expecting,
    edits: Vec<Editing>,
}

#[derive(Debug, Clone)]
enum Expecting {
    Anything,
    /// The tenant's revision, or one so much lower.
    Revision(u64),
    NoneActive,
    OneActive,
    Active(u128),
}

/// Which configuration it is about is counted back from the latest.
#[derive(Debug, Clone)]
enum Editing {
    Save,
    Activate(u128),
    Remove(u128),
    Tested(u128),
    Fallback(Option<String>),
    PutTemplate(&'static str, u8),
    RemoveTemplate(&'static str),
}

fn editing() -> impl Strategy<Value = Editing> {
    let language = || prop::sample::select(vec!["de", "en", "pt-BR"]);
    prop_oneof![
        4 => Just(Editing::Save),
        4 => (0..4_u128).prop_map(Editing::Activate),
        2 => (0..4_u128).prop_map(Editing::Remove),
        1 => (0..4_u128).prop_map(Editing::Tested),
        1 => prop::option::of("[a-z]{2}").prop_map(Editing::Fallback),
        1 => (language(), any::<u8>()).prop_map(|(language, n)| Editing::PutTemplate(language, n)),
        1 => language().prop_map(Editing::RemoveTemplate),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let expects = prop_oneof![
        4 => Just(Expecting::Anything),
        2 => (0..2_u64).prop_map(Expecting::Revision),
        1 => Just(Expecting::NoneActive),
        1 => Just(Expecting::OneActive),
        1 => (0..3_u128).prop_map(Expecting::Active),
    ];
    let parts = (0..2_usize, 0..2_usize, prop::bool::weighted(0.9), expects, prop::collection::vec(editing(), 0..4));
    parts.prop_map(|(actor, tenant, creates, expects, edits)| Step { actor, tenant, creates, expects, edits })
}

/// Makes changes of steps.
#[derive(Default)]
struct Author {
    saved: u128,
    steps: u64,
}

impl Author {
    fn change(&mut self, step: Step, revision: u64) -> Change {
        self.steps += 1;
        let edits: Vec<Edit> = step.edits.into_iter().map(|editing| self.edit(editing)).collect();
        let mut change = change(edits);
        change.creates = step.creates;
        change.expects = match step.expects {
            Expecting::Anything => Expects::Anything,
            Expecting::Revision(lower) => Expects::Revision(revision.saturating_sub(lower)),
            Expecting::NoneActive => Expects::NoneActive,
            Expecting::OneActive => Expects::OneActive,
            Expecting::Active(back) => Expects::Active(self.back(back)),
        };
        change.at = moment(self.steps);
        change.entry.details = json!({ "step": self.steps });
        change
    }

    fn edit(&mut self, editing: Editing) -> Edit {
        match editing {
            Editing::Save => {
                self.saved += 1;
                save(self.saved)
            }
            Editing::Activate(back) => Edit::Activate(self.back(back)),
            Editing::Remove(back) => Edit::Remove(self.back(back)),
            Editing::Tested(back) => Edit::Tested(self.back(back)),
            Editing::Fallback(language) => Edit::FallbackLanguage(language),
            Editing::PutTemplate(language, n) => {
                let template =
                    json!({ "language": language, "usageType": "SignIn", "subject": n.to_string(), "content": "" });
                Edit::PutTemplate(serde_json::from_value(template).unwrap())
            }
            Editing::RemoveTemplate(language) => {
                Edit::RemoveTemplate { language: language.to_owned(), usage_type: "SignIn".to_owned() }
            }
        }
    }

    fn back(&self, back: u128) -> Uuid {
        id(self.saved.saturating_sub(back))
    }
}

async fn agrees_with_the_model(place: &Place) {
    let actors = [place.open().await, place.open().await];
    let handle = tokio::runtime::Handle::current();
    let history = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: HISTORIES, failure_persistence: None, ..Config::default() });
    let histories = prop::collection::vec(step(), 1..40);
    let tried = tokio::task::block_in_place(|| {
        runner.run(&histories, |steps| {
            // Shrinking runs the closure again, on tenants that were never used.
            history.set(history.get() + 1);
            let tenants = [0, 1].map(|tenant| format!("tenant {tenant} of history {}", history.get()));
            handle.block_on(replay(&actors, &tenants, steps));
            Ok(())
        })
    });
    tried.unwrap();
}

async fn replay(actors: &[connector_store::Store; 2], tenants: &[String; 2], steps: Vec<Step>) {
    let (model, mut author) = (MemoryStore::new(), Author::default());
    for step in steps {
        let (tenant, actor) = (&tenants[step.tenant], &actors[step.actor]);
        let revision = model.tenant(tenant).await.unwrap().map_or(0, |state| state.revision);
        let change = author.change(step, revision);
        let expected = model.commit(tenant, change.clone()).await.map_err(|error| format!("{error:?}"));
        let answered = actor.commit(tenant, change).await.map_err(|error| format!("{error:?}"));
        assert_eq!(answered, expected);
    }
    for (tenant, actor) in tenants.iter().flat_map(|tenant| actors.iter().map(move |actor| (tenant, actor))) {
        assert_eq!(actor.tenant(tenant).await.unwrap(), model.tenant(tenant).await.unwrap());
        assert_eq!(actor.status(tenant).await.unwrap(), model.status(tenant).await.unwrap());
        let history = model.history(tenant, None, u32::MAX).await.unwrap();
        assert_eq!(actor.history(tenant, None, u32::MAX).await.unwrap(), history);
        if model.tenant(tenant).await.unwrap().is_some() {
            assert_consistent(actor, tenant).await;
        }
    }
}
