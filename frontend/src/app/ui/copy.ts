import { Clipboard } from '@angular/cdk/clipboard';
import { Component, inject, input, signal } from '@angular/core';

/** A text to be copied, such as a command. */
@Component({
  selector: 'app-copy',
  template: `
    <code>{{ text() }}</code>
    <button
      type="button"
      class="plain"
      (click)="copy()"
      [attr.aria-label]="'Copy: ' + (label() || text())"
    >
      {{ isCopied() ? 'Copied' : 'Copy' }}
    </button>
  `,
  styles: `
    :host {
      display: flex;
      align-items: center;
      gap: 8px;
      max-width: 100%;
    }
    code {
      padding: 5px 8px;
      border-radius: 4px;
      background: var(--idle-back);
      white-space: pre-wrap;
      overflow-wrap: anywhere;
      user-select: all;
    }
  `,
})
export class Copy {
  readonly text = input.required<string>();
  /** What it is called, where the text is too long to be read out. */
  readonly label = input('');
  private readonly clipboard = inject(Clipboard);
  protected readonly isCopied = signal(false);

  protected copy(): void {
    this.isCopied.set(this.clipboard.copy(this.text()));
    setTimeout(() => this.isCopied.set(false), 2000);
  }
}
