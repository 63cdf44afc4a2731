import { computed, linkedSignal } from '@angular/core';
import type { KeysetList } from '../../core/keyset-list';

/**
 * A list that shows what it had until it has been read with another filter or order: what somebody clicked stays where
 * it is.
 *
 * @param subject what the list is of; when it changes nothing old is shown.
 */
export function steady<T>(list: KeysetList<T>, subject: () => unknown): KeysetList<T> {
  const kept = linkedSignal<
    { subject: unknown; isThere: boolean; items: readonly T[] },
    { subject: unknown; isThere: boolean; items: readonly T[] }
  >({
    source: () => ({ subject: subject(), isThere: list.hasValue(), items: list.items() }),
    computation: (now, previous) => {
      const before = previous?.value;
      const isOld = !now.isThere && before?.isThere && before.subject === now.subject;
      return isOld ? before : now;
    },
  });
  return {
    ...list,
    items: computed(() => kept().items),
    hasValue: computed(() => kept().isThere),
    isEmpty: computed(() => kept().isThere && kept().items.length === 0),
  };
}
