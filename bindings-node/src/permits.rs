//! The permits that JavaScript holds on one thread, by number.
//!
//! A number costs JavaScript nothing, where an object with a finalizer costs more than the call.
//! Numbers begin at 1 and are given again after they come back; the package gives each back once.

/// Permits by number; of a limiter's calls, or the passes of a guard's requests.
pub(crate) struct Permits<P> {
    slots: Vec<Option<P>>,
    free: Vec<u32>,
}

impl<P> Default for Permits<P> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<P> Permits<P> {
    /// Keeps a permit and gives its number.
    pub(crate) fn keep(&mut self, permit: P) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // OVERFLOW: 2^32 permits would take some hundred gigabytes; memory ends first.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX - 1)
        });
        if let Some(slot) = self.slots.get_mut(index as usize) {
            *slot = Some(permit);
        }
        index + 1
    }

    /// The permit of a number that is still out.
    pub(crate) fn get(&self, number: u32) -> Option<&P> {
        self.slots.get(number.checked_sub(1)? as usize)?.as_ref()
    }

    /// Takes a permit out; dropping it gives it back to its limiter.
    pub(crate) fn take(&mut self, number: u32) -> Option<P> {
        let index = number.checked_sub(1)?;
        let permit = self.slots.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(permit)
    }
}
