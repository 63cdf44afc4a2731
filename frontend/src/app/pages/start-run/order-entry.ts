import { Component, computed, input, model } from '@angular/core';
import { OrderField } from './fields';

/** A field of the form with its control, its hint and what is said against it. */
@Component({
  selector: 'app-order-entry',
  template: `
    <label [attr.for]="id()">{{ field().label }}</label>
    @switch (field().kind) {
      @case ('lines') {
        <textarea
          #lines
          class="control"
          rows="3"
          spellcheck="false"
          [id]="id()"
          [value]="value()"
          [placeholder]="field().placeholder ?? ''"
          [attr.aria-invalid]="isWrong()"
          [attr.aria-describedby]="described()"
          (input)="value.set(lines.value)"
        ></textarea>
      }
      @case ('choice') {
        <select
          #choice
          class="control"
          [id]="id()"
          [attr.aria-invalid]="isWrong()"
          [attr.aria-describedby]="described()"
          (change)="value.set(choice.value)"
        >
          <option value="" [selected]="value() === ''">{{ field().empty }}</option>
          @for (option of options(); track option) {
            <option [value]="option" [selected]="value() === option">{{ option }}</option>
          }
        </select>
      }
      @case ('check') {
        <input
          #check
          type="checkbox"
          [id]="id()"
          [checked]="value() === 'true'"
          (change)="value.set(check.checked ? 'true' : '')"
        />
      }
      @default {
        <input
          #entry
          class="control"
          [type]="field().kind"
          [id]="id()"
          [value]="value()"
          [attr.aria-invalid]="isWrong()"
          [attr.aria-describedby]="described()"
          (input)="value.set(entry.value)"
        />
      }
    }
    @if (hint()) {
      <p class="muted" [id]="id() + '-hint'">{{ hint() }}</p>
    }
    @if (isWrong()) {
      <div class="bad" [id]="id() + '-wrong'" role="alert">
        @for (text of wrong(); track $index) {
          <p><span aria-hidden="true">✕</span> {{ text }}</p>
        }
      </div>
    }
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 2px;
      min-width: 0;
    }
    label {
      font-size: 12.5px;
      font-weight: 600;
      color: var(--text-2);
    }
    .control {
      width: 100%;
    }
    textarea {
      font-family: var(--mono);
      resize: vertical;
    }
    .control[aria-invalid='true'] {
      border-color: var(--bad);
    }
    input[type='checkbox'] {
      width: 20px;
      height: 20px;
      margin: 4px 2px;
      accent-color: var(--link);
    }
    p {
      margin: 0;
      font-size: 12.5px;
    }
    .bad {
      overflow-wrap: anywhere;
    }
  `,
})
export class OrderEntry {
  readonly field = input.required<OrderField>();
  readonly value = model.required<string>();
  /** What is said against it. */
  readonly wrong = input<readonly string[]>([]);
  /** Of a choice, instead of those of the field. */
  readonly choices = input<readonly string[]>();
  /** Instead of the hint of the field. */
  readonly note = input('');

  protected readonly id = computed(() => `order-${this.field().name}`);
  protected readonly options = computed(() => this.choices() ?? this.field().options ?? []);
  protected readonly hint = computed(() => this.note() || (this.field().hint ?? ''));
  protected readonly isWrong = computed(() => this.wrong().length > 0);
  protected readonly described = computed(
    () =>
      [this.hint() && `${this.id()}-hint`, this.isWrong() && `${this.id()}-wrong`]
        .filter(Boolean)
        .join(' ') || null,
  );
}
