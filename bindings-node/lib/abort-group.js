// Those who wait on one signal, behind one listener: an engine looks through all listeners of a
// signal to add one, so a million of them would take a million times a million steps.

const groups = new WeakMap();

// Calls `onAbort` when the signal is aborted, once, unless `leave` is called with it before.
function join(signal, onAbort) {
  let group = groups.get(signal);
  if (group === undefined) {
    const members = new Set();
    const listener = () => {
      groups.delete(signal);
      for (const member of members) {
        member();
      }
    };
    group = { members, listener };
    groups.set(signal, group);
    signal.addEventListener('abort', listener, { once: true });
  }
  group.members.add(onAbort);
}

function leave(signal, onAbort) {
  const group = groups.get(signal);
  if (group === undefined) {
    return;
  }
  group.members.delete(onAbort);
  if (group.members.size === 0) {
    groups.delete(signal);
    signal.removeEventListener('abort', group.listener);
  }
}

module.exports = { join, leave };
