import type { File } from '../../api/types.gen';
import { words } from '../../core/formats';

/** Why a file is in its state; `file_id` is the other file that explains it. */
export interface Why {
  readonly text: string;
  readonly file_id?: number;
}

const SKIPPED: Readonly<Record<string, string>> = {
  same_content: 'same content as',
  changed: 'changed files are skipped; loaded is',
};

/** Why a file is in its state, in words; empty where the state says it all. */
export function whyOf(file: File): Why {
  switch (file.state) {
    case 'loaded':
      return {
        text:
          file.reason === 'recheck'
            ? 'the next run loads it again: rows it repeated are gone'
            : file.replaces_file_id === null
              ? ''
              : 'in place of',
        ...other(file.replaces_file_id),
      };
    case 'skipped':
      return {
        text: SKIPPED[file.reason ?? ''] ?? words(file.reason),
        ...other(file.same_as_file_id),
      };
    case 'failed':
      return { text: failure(file) };
    case 'replaced':
      return {
        text:
          file.reason === 'superseded'
            ? 'an earlier delivery of the same version was brought back'
            : 'a newer version took its place',
      };
    case 'rolled_back':
      return { text: 'somebody took its rows out' };
    case 'baseline':
      return { text: 'a baseline marked it as loaded; it was not read' };
    case 'pending':
      return { text: 'being loaded, or its run was interrupted' };
  }
}

function other(file_id: number | null): { file_id?: number } {
  return file_id === null ? {} : { file_id };
}

function failure(file: File): string {
  if (!file.error) return words(file.reason);
  const { message } = file.error;
  const prefix = `${file.uri}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
