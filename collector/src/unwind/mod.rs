//! The modules of the process.

pub(crate) struct Tables {
    mappings: Vec<Mapping>,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) limit: u64,
    pub(crate) file_offset: u64,
    pub(crate) path: std::path::PathBuf,
    pub(crate) build_id: Vec<u8>,
}

impl Tables {
    pub(crate) fn build(previous: Option<&Tables>) -> Option<Tables> {
        if previous.is_some() {
            return None;
        }
        let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
        let mut mappings = Vec::new();
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (start, limit) = fields.next()?.split_once('-')?;
            if !fields.next()?.contains('x') {
                continue;
            }
            let offset = fields.next()?;
            let Some(path) = fields.nth(2) else { continue };
            mappings.push(Mapping {
                start: u64::from_str_radix(start, 16).ok()?,
                limit: u64::from_str_radix(limit, 16).ok()?,
                file_offset: u64::from_str_radix(offset, 16).ok()?,
                path: path.into(),
                build_id: Vec::new(),
            });
        }
        Some(Tables { mappings })
    }
    pub(crate) fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }
    pub(crate) fn memory_bytes(&self) -> usize {
        0
    }
}
