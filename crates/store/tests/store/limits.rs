use crate::support::{EXCLUSIVE, Fixture, apply, get_in};
use vamos_proto::{ErrorCode, IndexId, Lock, MAX_KEY_LEN, SavepointId, WriteOp};
use vamos_store::StoreError;

#[test]
fn too_large_a_transaction_is_rolled_back_and_its_locks_are_free() {
    let fixture = Fixture::with(|options| options.max_transaction_bytes = 10_000);
    let index = fixture.primary();
    let mut large = fixture.begin();
    apply(&mut large, vec![fixture.insert(b"a", &[0; 4000])]).unwrap();
    let error = apply(&mut large, vec![fixture.insert(b"b", &[0; 9000])]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TransactionTooLarge, "{error}");
    assert!(!large.is_open());
    assert!(matches!(
        get_in(&mut large, index, b"a", Lock::None),
        Err(StoreError::RolledBack)
    ));
    let mut other = fixture.begin();
    assert!(get_in(&mut other, index, b"a", EXCLUSIVE).unwrap().is_none());
    assert_eq!(fixture.store().status().locks_held, 1);
}

#[test]
fn overwriting_and_undoing_count_what_is_kept() {
    let fixture = Fixture::with(|options| options.max_transaction_bytes = 10_000);
    let index = fixture.primary();
    let mut transaction = fixture.begin();
    let put = || {
        vec![WriteOp::Put {
            index,
            key: b"k",
            value: &[0; 3000],
        }]
    };
    for _ in 0..20 {
        apply(&mut transaction, put()).unwrap();
    }
    for _ in 0..20 {
        transaction.set_savepoint(SavepointId(1)).unwrap();
        apply(&mut transaction, put()).unwrap();
        transaction.rollback_to(SavepointId(1)).unwrap();
    }
    let endless = (0..).map(|n| transaction.set_savepoint(SavepointId(n)));
    let error = endless.filter_map(Result::err).next().unwrap();
    assert_eq!(error.code(), ErrorCode::TransactionTooLarge);
}

#[test]
fn too_many_locks_roll_back() {
    let fixture = Fixture::with(|options| options.max_locks = 10);
    let mut transaction = fixture.begin();
    let index = fixture.primary();
    for n in 0..10u8 {
        get_in(&mut transaction, index, &[n], EXCLUSIVE).unwrap();
    }
    let error = get_in(&mut transaction, index, b"more", EXCLUSIVE).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TransactionTooLarge, "{error}");
    assert_eq!(fixture.store().status().locks_held, 0);
}

#[test]
fn keys_have_a_greatest_length() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let long = vec![7; MAX_KEY_LEN];
    let longer = vec![7; MAX_KEY_LEN + 1];
    fixture.put(&long, b"v");
    let mut transaction = fixture.begin();
    assert!(
        get_in(&mut transaction, index, &long, Lock::None)
            .unwrap()
            .is_some()
    );
    let error = get_in(&mut transaction, index, &longer, Lock::None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid);
    let error = apply(&mut transaction, vec![fixture.insert(&longer, b"")]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid);
}

#[test]
fn index_ids_that_never_existed_are_refused() {
    let fixture = Fixture::new();
    let mut transaction = fixture.begin();
    for id in [0, 3, 1000, u32::MAX] {
        let error = get_in(&mut transaction, IndexId(id), b"k", Lock::None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoSuchTable);
        assert!(transaction.scan(&fixture.whole(IndexId(id))).is_err());
    }
    assert!(transaction.is_open());
}

#[test]
fn cursor_of_another_transaction_is_refused() {
    let fixture = Fixture::new();
    let (mut one, mut two) = (fixture.begin(), fixture.begin());
    let mut cursor = one.scan(&fixture.whole(fixture.primary())).unwrap();
    let mut rows = vamos_proto::RowBlockBuilder::new();
    let error = pollster::block_on(two.next_batch(&mut cursor, &mut rows, 1, 1)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid);
}
