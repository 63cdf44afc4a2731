import { Component, computed, input } from '@angular/core';
import { Copy } from './copy';

const COMMAND = /(?:trade-ingest |pip install |GRANT |ALTER )[^\n]*$/;

/** What to do: its words, and its command to be copied if there is one. */
@Component({
  selector: 'app-hint',
  imports: [Copy],
  template: `
    @if (words()) {
      <p>{{ words() }}</p>
    }
    @if (command()) {
      <app-copy [text]="command()" />
    }
  `,
  styles: `
    :host {
      display: block;
    }
    p {
      margin: 0 0 4px;
      overflow-wrap: anywhere;
    }
  `,
})
export class Hint {
  readonly text = input.required<string>();
  protected readonly command = computed(() => COMMAND.exec(this.text())?.[0].trim() ?? '');
  protected readonly words = computed(() => {
    const text = this.text();
    const command = this.command();
    return command ? text.slice(0, text.lastIndexOf(command)).trim() : text;
  });
}
