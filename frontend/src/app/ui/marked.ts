import { Component, computed, input } from '@angular/core';
import type { Mark, Reason } from '../api/types.gen';
import { words } from '../core/formats';

/** A piece of a line; a bad cell is marked. */
export interface Piece {
  readonly text: string;
  readonly isBad: boolean;
}

/** Cut a line where its marks begin and end. */
export function piecesOf(text: string, marks: readonly Mark[]): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const mark of [...marks].sort((one, other) => one.start - other.start)) {
    const start = Math.max(mark.start, at);
    if (start > at) pieces.push({ text: text.slice(at, start), isBad: false });
    if (mark.end >= start) pieces.push({ text: text.slice(start, mark.end), isBad: true });
    at = Math.max(at, mark.end);
  }
  if (at < text.length) pieces.push({ text: text.slice(at), isBad: false });
  return pieces;
}

/** What is wrong with a row, in words. */
export function faultsOf(reasons: readonly Reason[]): string {
  return reasons
    .map(({ code, column, value }) => {
      const where = column ? `${column}: ` : '';
      return `${where}${words(code)}${value ? ` (${value})` : ''}`;
    })
    .join('; ');
}

/** A line of a file as it is, its bad cells marked. */
@Component({
  selector: 'app-marked',
  template: `
    <code>
      @for (piece of pieces(); track $index) {
        @if (piece.isBad) {
          <mark [class.empty]="piece.text === ''" [textContent]="piece.text"></mark>
        } @else {
          <span [textContent]="piece.text"></span>
        }
      }
      <ng-content />
    </code>
  `,
  styles: `
    /* Spaces between the pieces are none of the file's: flex leaves them out. */
    code {
      display: flex;
      white-space: pre;
    }
    mark {
      padding: 0 2px;
      border-bottom: 2px solid var(--bad);
      border-radius: 2px;
      background: var(--bad-back);
      color: var(--bad);
      font-weight: 700;
    }
    mark.empty {
      padding: 0 5px;
    }
  `,
})
export class Marked {
  readonly text = input.required<string>();
  readonly marks = input.required<readonly Mark[]>();
  protected readonly pieces = computed(() => piecesOf(this.text(), this.marks()));
}
