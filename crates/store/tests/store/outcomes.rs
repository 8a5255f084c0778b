use crate::support::{Fixture, apply, commit_id, get_in};
use pollster::block_on;
use std::pin::pin;
use std::task::{Context, Waker};
use vamos_proto::{CommitId, CommitOutcome, Durability, Lock};
use vamos_store::StoreError;

fn outcome(fixture: &Fixture, id: CommitId) -> CommitOutcome {
    block_on(fixture.store().outcome(id)).unwrap()
}

#[test]
fn outcome_tells_of_commits_also_after_closing() {
    let mut fixture = Fixture::new();
    for (number, durability) in [
        (3, Durability::Commit),
        (5, Durability::Second),
        (8, Durability::Never),
    ] {
        let mut transaction = fixture.begin();
        let key = [number as u8];
        apply(&mut transaction, vec![fixture.insert(&key, b"v")]).unwrap();
        block_on(transaction.commit(durability, commit_id(number))).unwrap();
        assert_eq!(outcome(&fixture, commit_id(number)), CommitOutcome::Committed);
    }
    fixture.reopen();
    assert_eq!(outcome(&fixture, commit_id(5)), CommitOutcome::Committed);
    assert_eq!(outcome(&fixture, commit_id(8)), CommitOutcome::Committed);
    assert_eq!(outcome(&fixture, commit_id(9)), CommitOutcome::NotCommitted);
    fixture.store().forget_session(commit_id(0).session).unwrap();
    assert_eq!(outcome(&fixture, commit_id(8)), CommitOutcome::NotCommitted);
}

#[test]
fn commit_that_was_given_up_is_refused() {
    let fixture = Fixture::new();
    let mut transaction = fixture.begin();
    apply(&mut transaction, vec![fixture.insert(b"k", b"v")]).unwrap();
    assert_eq!(outcome(&fixture, commit_id(4)), CommitOutcome::NotCommitted);
    let error = block_on(transaction.commit(Durability::Commit, commit_id(4))).unwrap_err();
    assert!(matches!(error, StoreError::CommitGivenUp { number: 4 }));
    let mut transaction = fixture.begin();
    assert!(
        get_in(&mut transaction, fixture.primary(), b"k", Lock::None)
            .unwrap()
            .is_none()
    );
    apply(&mut transaction, vec![fixture.insert(b"k", b"v")]).unwrap();
    block_on(transaction.commit(Durability::Commit, commit_id(5))).unwrap();
}

#[test]
fn empty_commit_leaves_nothing() {
    let fixture = Fixture::new();
    let mut transaction = fixture.begin();
    get_in(&mut transaction, fixture.primary(), b"k", Lock::None).unwrap();
    block_on(transaction.commit(Durability::Commit, commit_id(1))).unwrap();
    assert_eq!(fixture.store().status().commits, 0);
    assert_eq!(outcome(&fixture, commit_id(1)), CommitOutcome::NotCommitted);
}

#[test]
fn commit_goes_on_when_its_future_is_dropped_and_outcome_waits_for_it() {
    let fixture = Fixture::new();
    for number in 1..=50 {
        let mut transaction = fixture.begin();
        apply(&mut transaction, vec![fixture.insert(&[number as u8], b"v")]).unwrap();
        {
            let mut commit = pin!(transaction.commit(Durability::Commit, commit_id(number)));
            let _ = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        assert_eq!(outcome(&fixture, commit_id(number)), CommitOutcome::Committed);
    }
    let status = fixture.store().status();
    assert_eq!((status.commits, status.locks_held), (50, 0));
}

#[test]
fn commits_of_many_threads_share_syncs() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for thread in 0..8u8 {
            let fixture = &fixture;
            scope.spawn(move || {
                for number in 1..=50u8 {
                    let mut transaction = fixture.begin();
                    apply(&mut transaction, vec![fixture.insert(&[thread, number], b"v")]).unwrap();
                    let id = CommitId {
                        session: [thread; 16],
                        number: number.into(),
                    };
                    block_on(transaction.commit(Durability::Commit, id)).unwrap();
                }
            });
        }
    });
    let status = fixture.store().status();
    assert_eq!(status.commits, 400);
    assert!(status.commit_groups < 400, "{status:?}");
    assert!(status.largest_commit_group > 1, "{status:?}");
}

#[test]
fn buffered_commits_are_synced_within_about_a_second() {
    let fixture = Fixture::new();
    let before = fixture.store().status().log_syncs;
    let commit = |durability, number| {
        let mut transaction = fixture.begin();
        apply(&mut transaction, vec![fixture.insert(&[number as u8], b"v")]).unwrap();
        block_on(transaction.commit(durability, commit_id(number))).unwrap();
    };
    commit(Durability::Never, 1);
    std::thread::sleep(std::time::Duration::from_millis(1300));
    assert_eq!(fixture.store().status().log_syncs, before);
    commit(Durability::Second, 2);
    commit(Durability::Second, 3);
    std::thread::sleep(std::time::Duration::from_millis(1300));
    assert_eq!(fixture.store().status().log_syncs, before + 1);
}
