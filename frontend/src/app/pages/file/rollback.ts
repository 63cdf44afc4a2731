import { Injectable, inject } from '@angular/core';
import type { RollbackIn, RollbackOut } from '../../api/types.gen';
import { Api } from '../../core/api';
import { count } from '../../core/formats';
import { Ask } from '../../ui/ask';

/** Takes out the rows of a file, once somebody has seen what that would do. */
@Injectable({ providedIn: 'root' })
export class Rollback {
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);

  /** Whether it is done. */
  async of(file_id: number): Promise<boolean> {
    let preview: RollbackOut;
    try {
      preview = await this.post(file_id, { preview: true });
    } catch (error) {
      this.ask.refuse(error);
      return false;
    }
    const isWanted = await this.ask.confirm({
      title: `Roll back file ${file_id}?`,
      text: consequences(preview),
      action: `Take out ${count(preview.rows_removed)} rows`,
      isDangerous: true,
    });
    if (!isWanted) return false;
    return this.ask.attempt(
      () => this.post(file_id, { preview: false }),
      `File ${file_id} is rolled back: ${count(preview.rows_removed)} rows are out.`,
    );
  }

  private post(file_id: number, body: RollbackIn): Promise<RollbackOut> {
    return this.api.post<RollbackOut>(`/files/${file_id}/rollback`, body);
  }
}

/** What a rollback would do, a line each. */
export function consequences(preview: RollbackOut): string {
  const lines = preview.files.map(
    ({ uri, target, rows_removed, restored_file_id, rows_restored }) => {
      const back =
        restored_file_id === null
          ? ''
          : ` ${count(rows_restored)} rows of file ${restored_file_id} come back.`;
      return `${count(rows_removed)} rows of ${uri} are taken out of ${target}.${back}`;
    },
  );
  if (preview.rows_missing)
    lines.push(`${count(preview.rows_missing)} of its rows are gone from the target already.`);
  for (const lost of preview.lost_duplicates) {
    lines.push(
      `${count(lost.rows)} rows that file ${lost.file_id} (${lost.uri}) delivered too are then in no target: ` +
        'load that file again afterwards.',
    );
  }
  if (preview.released.length) {
    lines.push(
      `The next run loads one of the files with the same content: ${preview.released.join(', ')}.`,
    );
  }
  lines.push('Later runs skip the file unless they are told to load it again.');
  return lines.join('\n');
}
