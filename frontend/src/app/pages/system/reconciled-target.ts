import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Mismatch, MismatchKind, ReconciledTarget } from '../../api/types.gen';
import { CountPipe, FileNamePipe } from '../../core/formats';
import { Panel } from '../../ui/panel';

/** What a mismatch is, and what it means. */
const SAID: Readonly<Record<MismatchKind, readonly [string, string]>> = {
  rows: [
    'Rows in the target',
    'Somebody added or removed rows of this file. Roll it back and load it again.',
  ],
  control_total: [
    'Sum of a column',
    'Somebody changed values of this file. Roll it back and load it again.',
  ],
  event_time: [
    'Event times',
    'Somebody changed times of this file. Roll it back and load it again.',
  ],
  row_number: [
    'Row numbers',
    'A row is there twice, or was moved to another number. Roll the file back and load it again.',
  ],
  balance: [
    'Rows read and accounted for',
    'The counts of the ledger do not add up: somebody changed the ledger.',
  ],
  rejects: ['Rejects kept', 'Rejects of this file were removed from the ledger, or added.'],
  replaced_rows: [
    'Rows kept of the replaced file',
    'Rows kept aside were removed: the file cannot come back whole.',
  ],
  unknown_file: [
    'Rows of a file that the ledger does not know',
    'Somebody else wrote into the target.',
  ],
  file_not_loaded: [
    'Rows of a file that is not loaded',
    'The ledger says that none of its rows is in the target.',
  ],
  unfinished_load: [
    'Rows of a load that died',
    'The next run takes them out; nothing is to be done.',
  ],
  target_missing: [
    'The target table',
    'The table was dropped or renamed, and the ledger has files loaded into it.',
  ],
};

/** What was found in one target. */
@Component({
  selector: 'app-reconciled-target',
  imports: [CountPipe, FileNamePipe, Panel, RouterLink],
  templateUrl: './reconciled-target.html',
  styles: `
    h3 {
      margin: 14px 0 6px;
    }
  `,
})
export class ReconciledTargetPanel {
  readonly target = input.required<ReconciledTarget>();
  protected readonly mismatches = computed(() => this.target().mismatches.map(explained));
}

function explained(mismatch: Mismatch) {
  const [what, meaning] = SAID[mismatch.kind];
  return { ...mismatch, what: mismatch.column ? `Sum of ${mismatch.column}` : what, meaning };
}
