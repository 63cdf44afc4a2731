import { DOCUMENT, ViewportScroller } from '@angular/common';
import { inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { Router, Scroll } from '@angular/router';
import { filter } from 'rxjs';

/**
 * Scroll as pages do: another screen begins at its top, going back leads to where one was. The router by itself would
 * also go to the top when a filter, an order or a tab changes. Where what had the focus has gone with the screen before,
 * the keyboard goes on at the content of this one.
 */
export function scrollPages(): void {
  const scroller = inject(ViewportScroller);
  const document = inject(DOCUMENT);
  let shown: string | undefined;
  scroller.setHistoryScrollRestoration('manual');
  inject(Router)
    .events.pipe(
      filter((event) => event instanceof Scroll),
      takeUntilDestroyed(),
    )
    .subscribe(({ anchor, position, routerEvent }) => {
      const [path] = routerEvent.url.split(/[?#]/);
      if (position) scroller.scrollToPosition(position);
      else if (anchor) scroller.scrollToAnchor(anchor);
      else if (path !== shown) scroller.scrollToPosition([0, 0]);
      const isLost = document.activeElement === document.body;
      if (shown !== undefined && path !== shown && isLost) {
        document.getElementById('content')?.focus({ preventScroll: true });
      }
      shown = path;
    });
}
