//! Profiles written and read again: whole, in chunks, torn, gzipped, broken.

use plop_profile::{
    ChunkEncoder, Error, Function, Label, LabelSetId, LabelValue, Line, Location, Mapping, MappingId, Profile,
    SelfCheck,
};

/// A profile with something in every part.
fn rich_profile() -> Profile {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    profile.set_period("cpu", "nanoseconds", 10_000_000);
    profile.time_nanos = 1_700_000_000_000_000_000;
    profile.duration_nanos = 5_000_000_000;
    let comment = profile.strings.intern("written by a test");
    profile.comments.push(comment);
    let (file, build_id) = (profile.strings.intern("/bin/busy"), profile.strings.intern("00ff"));
    profile.mappings.push(Mapping {
        start: 0x1000,
        limit: 0x9000,
        file_offset: 0x40,
        file,
        build_id,
        symbolized: true,
    });
    let [outer, inlined] = [("outer", "_ZN5outerE"), ("inlined<T>", "")].map(|(name, mangled)| {
        let (name, system_name) = (profile.strings.intern(name), profile.strings.intern(mangled));
        let file = profile.strings.intern("src/busy.rs");
        profile.intern_function(Function { name, system_name, file, start_line: 3 })
    });
    let lines = vec![Line { function: inlined, line: 12 }, Line { function: outer, line: 40 }];
    let hot = profile.push_location(Location { mapping: Some(MappingId(0)), address: 0x1234, lines });
    let unnamed = profile.push_location(Location { mapping: Some(MappingId(0)), address: 0x2000, lines: vec![] });
    let main = profile.named_location("main", "");
    let key = |profile: &mut Profile, key: &str| profile.strings.intern(key);
    let (thread, worker, tid) = (key(&mut profile, "thread"), key(&mut profile, "worker-1"), key(&mut profile, "tid"));
    let labels = profile.label_sets.intern(&[
        Label { key: thread, value: LabelValue::Text(worker) },
        Label { key: tid, value: LabelValue::Number(4711, plop_profile::StringId::EMPTY) },
    ]);
    let deep = profile.stacks.intern([hot, unnamed, main]);
    let shallow = profile.stacks.intern([main]);
    profile.samples.add(deep, labels, &[3, 30_000_000]);
    profile.samples.add(shallow, LabelSetId::EMPTY, &[1, 10_000_000]);
    profile
}

/// Everything that a reader can see, as text.
fn seen(profile: &Profile) -> String {
    let text = |id| &profile.strings[id];
    let mut lines = vec![format!(
        "{:?} period {} default {} time {} duration {} comments {:?} check {:?} torn {}",
        profile.sample_types.iter().map(|of| (text(of.kind), text(of.unit))).collect::<Vec<_>>(),
        profile.period,
        profile.default_sample_type,
        profile.time_nanos,
        profile.duration_nanos,
        profile.comments.iter().map(|&comment| text(comment)).collect::<Vec<_>>(),
        profile.self_check,
        profile.torn,
    )];
    for sample in profile.samples.iter() {
        let stack = profile.stacks.leaf_first(sample.stack).map(|at| {
            let location = &profile.locations[at.0 as usize];
            let names = location.lines.iter().map(|line| {
                let function = &profile.functions[line.function.0 as usize];
                let (name, mangled, file) = (text(function.name), text(function.system_name), text(function.file));
                format!("{name}({mangled}) {file}:{} from {}", line.line, function.start_line)
            });
            let mapping = location.mapping.map(|at| {
                let mapping = &profile.mappings[at.0 as usize];
                let (file, id) = (text(mapping.file), text(mapping.build_id));
                format!(
                    "{file} {id} {:x}-{:x}@{:x} {}",
                    mapping.start, mapping.limit, mapping.file_offset, mapping.symbolized
                )
            });
            format!("{:x} in {mapping:?}: {:?}", location.address, names.collect::<Vec<_>>())
        });
        let labels = profile.label_sets.get(sample.labels).iter().map(|label| match label.value {
            LabelValue::Text(value) => format!("{}={}", text(label.key), text(value)),
            LabelValue::Number(value, unit) => format!("{}={value}{}", text(label.key), text(unit)),
        });
        lines.push(format!("{:?} {:?} {:?}", stack.collect::<Vec<_>>(), labels.collect::<Vec<_>>(), sample.values));
    }
    lines.join("\n")
}

#[test]
fn a_profile_survives_writing_and_reading() {
    let mut profile = rich_profile();
    let mut check = SelfCheck::default();
    check.lost = 3;
    check.handler_p99_ns = 900;
    profile.set_self_check(check);
    let read = Profile::parse(&profile.encode()).unwrap();
    assert_eq!(seen(&read), seen(&profile));
}

#[test]
fn a_saved_profile_is_one_gzip_member_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.pb.gz");
    let profile = rich_profile();
    profile.save(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap()[..2], [0x1f, 0x8b]);
    assert_eq!(seen(&Profile::load(&path).unwrap()), seen(&profile));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_is_a_whole_profile_after_every_chunk() {
    let mut profile = rich_profile();
    let mut encoder = ChunkEncoder::new();
    let mut file = Vec::new();
    for round in 0..5 {
        let leaf = profile.named_location(&format!("leaf_{round}"), "leaf.rs");
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([leaf, main]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[1, 10_000_000]);
        let old = profile.samples.get(0);
        profile.samples.add(old.stack, old.labels, &[2, 20_000_000]);
        profile.duration_nanos += 1_000_000_000;
        let mut check = SelfCheck::default();
        check.samples = round;
        profile.set_self_check(check);
        let chunk = encoder.encode(&profile);
        assert_eq!(chunk, encoder.encode(&profile), "until it is said to be written, a chunk is given again");
        encoder.advance(&profile);
        file.extend(chunk);
        assert_eq!(seen(&Profile::parse(&file).unwrap()), seen(&profile), "after chunk {round}");
    }
}

#[test]
fn a_chunk_without_news_holds_no_sample() {
    let profile = rich_profile();
    let mut encoder = ChunkEncoder::new();
    let first = encoder.encode(&profile);
    encoder.advance(&profile);
    let second = encoder.encode(&profile);
    assert!(second.len() < 10, "{} bytes after {}", second.len(), first.len());
}

#[test]
fn a_file_torn_at_any_byte_gives_what_is_whole_before_it() {
    let mut profile = rich_profile();
    let mut encoder = ChunkEncoder::new();
    let first = encoder.encode(&profile);
    encoder.advance(&profile);
    let old = profile.samples.get(0);
    profile.samples.add(old.stack, old.labels, &[10, 100_000_000]);
    let second = encoder.encode(&profile);
    let whole = [first.clone(), second].concat();
    let mut torn = 0;
    for end in first.len()..whole.len() {
        let read = Profile::parse(&whole[..end]).unwrap();
        torn += u32::from(read.torn);
        assert!([4, 14].contains(&read.total(0)), "{} samples at byte {end}", read.total(0));
    }
    assert!(torn > 10, "most cuts fall inside a field");
    // Inside the first chunk there may be too little for a profile, but never a panic.
    for end in 0..first.len() {
        let _ = Profile::parse(&whole[..end]);
    }
}

#[test]
fn what_is_no_profile_is_told_from_a_broken_one() {
    for foreign in
        [&b""[..], b"main;parse 10\n", b"{\"nodes\": []}", b"\x7fELF\x02\x01", b"\n\nmain 3\n", b"\x1f\x8bxx"]
    {
        assert!(matches!(Profile::parse(foreign), Err(Error::NotAProfile)), "{foreign:?}");
    }
    let message = |bytes: &[u8]| Profile::parse(bytes).unwrap_err().to_string();
    // string_table "", "n"; sample_type {1, 1}; sample with values 1, 2.
    assert_eq!(
        message(b"\x32\0\x32\x01n\x0a\x04\x08\x01\x10\x01\x12\x04\x12\x02\x01\x02"),
        "sample 0 has 2 values, expected 1"
    );
    // The same with one value, at location 9.
    assert_eq!(
        message(b"\x32\0\x32\x01n\x0a\x04\x08\x01\x10\x01\x12\x06\x0a\x01\x09\x12\x01\x01"),
        "sample 0 names location 9, which the file does not have"
    );
    assert_eq!(message(b"\x32\0\x0a\x04\x08\x07\x10\x01"), "a sample type names string 7 of 1");
}

#[test]
fn a_gzip_bomb_stops_at_the_bound() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&[0x32, 0]).unwrap();
    gzip.write_all(&vec![0; 8 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    let error = Profile::parse_within(&bomb, 1 << 20).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576 }), "{error}");
}

#[test]
fn merging_adds_samples_of_the_same_stack_and_keeps_other_code_apart() {
    let mut profile = rich_profile();
    let mut other = rich_profile();
    let leaf = other.named_location("only_there", "");
    let stack = other.stacks.intern([leaf]);
    other.samples.add(stack, LabelSetId::EMPTY, &[5, 50]);
    profile.merge(&other).unwrap();
    assert_eq!(profile.samples.len(), 3);
    assert_eq!(profile.total(0), 4 + 4 + 5);
    assert_eq!(profile.mappings.len(), 1);
    let stranger = Profile::new([("space", "bytes")]);
    assert!(profile.merge(&stranger).is_ok(), "nothing to add is no error");
}

#[test]
fn merging_keeps_the_sample_types_that_both_have() {
    let with = |types: &[(&str, &str)], values: &[i64]| {
        let mut profile = Profile::new(types.iter().copied());
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        profile.samples.add(stack, LabelSetId::EMPTY, values);
        profile
    };
    let mut profile = with(&[("samples", "count"), ("wall", "nanoseconds"), ("cpu", "nanoseconds")], &[1, 20, 10]);
    profile.merge(&with(&[("cpu", "nanoseconds"), ("samples", "count")], &[300, 3])).unwrap();
    let kinds: Vec<&str> = profile.sample_types.iter().map(|of| &profile.strings[of.kind]).collect();
    assert_eq!((kinds, profile.default_sample_type), (vec!["samples", "cpu"], 1));
    assert_eq!((profile.samples.len(), profile.total(0), profile.total(1)), (1, 4, 310));
    let error = profile.merge(&with(&[("space", "bytes")], &[1])).unwrap_err();
    assert_eq!(error.to_string(), "the second profile has no sample type in common with the first");
}

#[test]
fn mutated_profiles_never_panic() {
    let whole = rich_profile().encode();
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random(4) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        if let Ok(profile) = Profile::parse(&bytes) {
            profile.call_edges();
        }
    }
}
