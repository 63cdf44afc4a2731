import { Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FileDetail } from '../../api/types.gen';
import { BytesPipe, CountPipe, SecondsPipe, WordsPipe } from '../../core/formats';
import { Hint } from '../../ui/hint';
import { Time } from '../../ui/time';

/** What is known of a file, by name. */
@Component({
  selector: 'app-file-facts',
  imports: [BytesPipe, CountPipe, Hint, RouterLink, SecondsPipe, Time, WordsPipe],
  templateUrl: './facts.html',
})
export class FileFacts {
  readonly detail = input.required<FileDetail>();
}
