//! What a call returns: fixed numbers, never used for anything else again.

use core::ffi::{CStr, c_char};

/// What a call returns: 0 is success, a negative number is a mistake of the caller's, a positive
/// one is neither's fault. A number never changes its meaning. A refusal by a limit is no failure:
/// it is RATECELL_OK with a decision that says so.
pub type Status = i32;

/// The call has done what it says.
pub const RATECELL_OK: Status = 0;
/// The system has no memory for it.
pub const RATECELL_OUT_OF_MEMORY: Status = 1;
/// A defect of this library was met and contained. Please report it.
pub const RATECELL_INTERNAL: Status = 2;
/// A pointer is NULL.
pub const RATECELL_NULL: Status = -1;
/// A pointer is not aligned as its type needs it.
pub const RATECELL_MISALIGNED: Status = -2;
/// struct_size is not the size of that struct in this version or an earlier one.
pub const RATECELL_STRUCT_SIZE: Status = -3;
/// A length, a count or a position is beyond what is accepted.
pub const RATECELL_LENGTH: Status = -4;
/// A number is none of those that have a meaning there.
pub const RATECELL_NUMBER: Status = -5;
/// A text is not UTF-8.
pub const RATECELL_UTF8: Status = -6;
/// An object was not made by its init function or macro, or was overwritten since.
pub const RATECELL_NOT_INITIALIZED: Status = -7;
/// A text is no rule or plan; the error says at which byte.
pub const RATECELL_TEXT: Status = -8;
/// The capacity is 0. Room for no key is a mistake, never "unlimited".
pub const RATECELL_CAPACITY: Status = -9;
/// The memory given is too small for a table.
pub const RATECELL_TOO_SMALL: Status = -10;
/// The memory given, or the number of keys, is too large for a table.
pub const RATECELL_TOO_LARGE: Status = -11;
/// The memory to attach to was never made a table.
pub const RATECELL_NOT_A_TABLE: Status = -12;
/// The memory to attach to is a table of another kind, period, segments or version.
pub const RATECELL_OTHER_LAYOUT: Status = -13;
/// A key was given without its dimension, and the plan counts by several, none called "key".
pub const RATECELL_DIMENSION_MISSING: Status = -14;
/// Two keys were given for one dimension.
pub const RATECELL_DIMENSION_TWICE: Status = -15;
/// The other rules for a call cannot stand in for the plan's.
pub const RATECELL_OTHER_RULES: Status = -16;
/// More permits were given back than are held; nothing was given back.
pub const RATECELL_RELEASE: Status = -17;
/// The quota is of another kind than the cell.
pub const RATECELL_KIND: Status = -18;
/// A limit of 0.
pub const RATECELL_ZERO_LIMIT: Status = -19;
/// A burst of 0.
pub const RATECELL_ZERO_BURST: Status = -20;
/// A period outside 1 ms to 366 days.
pub const RATECELL_PERIOD: Status = -21;
/// A limit too large for the kind and period.
pub const RATECELL_LIMIT: Status = -22;
/// A gcra rate that whole nanoseconds between units would lower by over 1 %.
pub const RATECELL_RATE: Status = -23;
/// A gcra burst that takes over 2^62 ns to come back.
pub const RATECELL_BURST: Status = -24;
/// A number of segments outside 1 to 62.
pub const RATECELL_SEGMENTS: Status = -25;
/// The text of a contract is wrong; the error says in which line and column.
pub const RATECELL_CONTRACT: Status = -26;
/// A file cannot be read.
pub const RATECELL_FILE: Status = -27;
/// A limit that a request brings is for no rule of the contract, or cannot stand in for the rule's.
pub const RATECELL_REQUEST: Status = -28;
/// A text is no network such as "10.0.0.0/8", no address, and not "unix:".
pub const RATECELL_NETWORK: Status = -29;
/// A mistake that has no number of its own; the error says what it is.
pub const RATECELL_INVALID: Status = -127;

/// A sentence that says what a status means, for any number: never NULL, never freed.
///
/// Threads: any. Signals: safe. Memory: allocates nothing. Clock: not read. NULL: no pointer
/// taken. Failure: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn ratecell_status_text(status: Status) -> *const c_char {
    sentence(status).as_ptr()
}

const fn sentence(status: Status) -> &'static CStr {
    match status {
        RATECELL_OK => c"success",
        RATECELL_OUT_OF_MEMORY => c"the system has no memory for it",
        RATECELL_INTERNAL => c"a defect of this library was met and contained",
        RATECELL_NULL => c"a pointer is NULL",
        RATECELL_MISALIGNED => c"a pointer is not aligned as its type needs it",
        RATECELL_STRUCT_SIZE => c"struct_size is not the size of that struct in any version known",
        RATECELL_LENGTH => c"a length, a count or a position is beyond what is accepted",
        RATECELL_NUMBER => c"a number is none of those that have a meaning there",
        RATECELL_UTF8 => c"a text is not UTF-8",
        RATECELL_NOT_INITIALIZED => c"an object was not made by its init function or macro",
        RATECELL_TEXT => c"a text is no rule or plan",
        RATECELL_CAPACITY => c"the capacity is 0, accepted are 1 and more",
        RATECELL_TOO_SMALL => c"the memory is too small for a table",
        RATECELL_TOO_LARGE => c"the memory or the number of keys is too large for a table",
        RATECELL_NOT_A_TABLE => c"the memory to attach to was never made a table",
        RATECELL_OTHER_LAYOUT => c"the memory is a table of another kind, period or version",
        RATECELL_DIMENSION_MISSING => c"a key without its dimension, and the plan has several",
        RATECELL_DIMENSION_TWICE => c"two keys for one dimension",
        RATECELL_OTHER_RULES => c"the other rules cannot stand in for the plan's",
        RATECELL_RELEASE => c"more permits given back than are held",
        RATECELL_KIND => c"the quota is of another kind than the cell",
        RATECELL_ZERO_LIMIT => c"the limit is 0, accepted are 1 and more",
        RATECELL_ZERO_BURST => c"the burst is 0, accepted are 1 and more",
        RATECELL_PERIOD => c"the period is outside 1 ms to 366 days",
        RATECELL_LIMIT => c"the limit is too large for this kind and period",
        RATECELL_RATE => c"whole nanoseconds between units would lower the rate by over 1 %",
        RATECELL_BURST => c"the burst takes over 2^62 ns to come back",
        RATECELL_SEGMENTS => c"the number of segments is outside 1 to 62",
        RATECELL_CONTRACT => c"the text of a contract is wrong",
        RATECELL_FILE => c"a file cannot be read",
        RATECELL_REQUEST => c"a limit of the request's own cannot stand in for a rule's",
        RATECELL_NETWORK => c"a text is no network such as 10.0.0.0/8, no address, and not unix:",
        RATECELL_INVALID => c"a mistake that has no number of its own",
        _ => c"no status of this version",
    }
}
