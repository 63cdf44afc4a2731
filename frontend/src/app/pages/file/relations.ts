import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FileDetail } from '../../api/types.gen';
import { CountPipe, FileNamePipe } from '../../core/formats';
import { Panel } from '../../ui/panel';

/** How a file stands to other files. */
@Component({
  selector: 'app-relations',
  imports: [CountPipe, FileNamePipe, Panel, RouterLink],
  templateUrl: './relations.html',
  styles: `
    h3:not(:first-child) {
      margin-top: 14px;
    }
  `,
})
export class Relations {
  readonly detail = input.required<FileDetail>();
  protected readonly links = computed(() => {
    const { file, replaced_by_file_id } = this.detail();
    const links: readonly (readonly [string, number | null])[] = [
      ['Took the place of', file.replaces_file_id],
      ['Its place took', replaced_by_file_id],
      ['Explained by', file.same_as_file_id],
    ];
    return links.filter(([, other]) => other !== null);
  });
  protected readonly overlaps = computed(() => {
    const { duplicates_of, duplicated_by } = this.detail();
    return [
      { heading: 'Had delivered rows of it before', files: duplicates_of },
      { heading: 'Delivered rows of it again', files: duplicated_by },
    ].filter(({ files }) => files.length);
  });
  protected readonly isEmpty = computed(() => !this.links().length && !this.overlaps().length);
}
