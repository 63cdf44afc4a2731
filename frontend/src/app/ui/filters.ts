import { Component, computed, inject, input, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute } from '@angular/router';
import { words } from '../core/formats';
import { Query } from '../core/query';

/** A filter of a list. Its name is that of the query parameter, of the screen and of the API. */
export interface Filter {
  readonly name: string;
  readonly label: string;
  readonly kind: 'choice' | 'text' | 'number' | 'date';
  /** Of a choice. */
  readonly options?: readonly string[];
  /** What is shown while a choice is not made; without it, any. */
  readonly unset?: string;
  /** Whether a choice may be several at once. */
  readonly isMany?: boolean;
  /** Whether its control is shown only when more filters are asked for. */
  readonly isRare?: boolean;
}

interface Chip {
  readonly filter: Filter;
  readonly value: string;
}

/** The filters of a list: controls, and a chip for each filter that is set. They live in the address. */
@Component({
  selector: 'app-filters',
  template: `
    <form role="search" (submit)="$event.preventDefault()">
      @for (filter of offered(); track filter.name) {
        <label>
          <span>{{ filter.label }}</span>
          @if (filter.kind === 'choice') {
            <select class="control" #choice (change)="add(filter, choice.value); choice.value = ''">
              <option value="">{{ filter.unset ?? 'any' }}</option>
              @for (option of filter.options; track option) {
                <option [value]="option">{{ shown(option) }}</option>
              }
            </select>
          } @else {
            <input
              class="control"
              #entry
              [type]="filter.kind === 'text' ? 'search' : filter.kind"
              [value]="valueOf(filter)"
              (change)="add(filter, entry.value)"
            />
          }
        </label>
      }
      @if (hasRare()) {
        <button
          type="button"
          class="more"
          [attr.aria-expanded]="isOpen()"
          (click)="isOpen.set(!isOpen())"
        >
          {{ isOpen() ? 'Fewer filters' : 'More filters' }}
        </button>
      }
    </form>
    @if (chips().length) {
      <ul aria-label="Filters that are set">
        @for (chip of chips(); track chip.filter.name + chip.value) {
          <li>
            {{ chip.filter.label }}: <b>{{ shown(chip.value) }}</b>
            <button
              type="button"
              (click)="remove(chip)"
              [attr.aria-label]="'Remove the filter ' + chip.filter.label + ' ' + chip.value"
            >
              ✕
            </button>
          </li>
        }
        <li class="all"><button type="button" (click)="clear()">Clear all</button></li>
      </ul>
    }
  `,
  styles: `
    :host {
      display: block;
    }
    form {
      display: flex;
      flex-wrap: wrap;
      gap: 8px 12px;
    }
    label {
      display: flex;
      flex-direction: column;
      gap: 2px;
      font-size: 12.5px;
      color: var(--text-2);
    }
    .control {
      width: 150px;
    }
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: 6px;
      margin: 10px 0 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      align-items: center;
      gap: 4px;
      padding: 0 2px 0 10px;
      border-radius: 14px;
      background: var(--busy-back);
      color: var(--busy);
    }
    li.all {
      padding: 0;
      background: none;
    }
    button.more {
      align-self: end;
      min-height: 32px;
      color: var(--link);
    }
    button {
      min-width: 28px;
      min-height: 28px;
      border: 0;
      border-radius: 14px;
      background: none;
      color: inherit;
      font: inherit;
      cursor: pointer;
    }
  `,
})
export class Filters {
  readonly filters = input.required<readonly Filter[]>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);
  private readonly parameters = toSignal(this.route.queryParamMap, {
    initialValue: this.route.snapshot.queryParamMap,
  });
  protected readonly shown = words;
  protected readonly isOpen = signal(false);
  protected readonly hasRare = computed(() => this.filters().some((filter) => filter.isRare));
  protected readonly offered = computed(() =>
    this.filters().filter((filter) => this.isOpen() || !filter.isRare),
  );

  protected readonly chips = computed<readonly Chip[]>(() =>
    this.filters().flatMap((filter) =>
      this.parameters()
        .getAll(filter.name)
        .map((value) => ({ filter, value })),
    ),
  );

  protected valueOf(filter: Filter): string {
    return this.parameters().get(filter.name) ?? '';
  }

  protected add(filter: Filter, value: string): void {
    const others = filter.isMany ? this.parameters().getAll(filter.name) : [];
    const values = value === '' ? others : [...new Set([...others, value])];
    this.set(filter, values);
  }

  protected remove(chip: Chip): void {
    const rest = this.parameters()
      .getAll(chip.filter.name)
      .filter((value) => value !== chip.value);
    this.set(chip.filter, rest);
  }

  /** A screen gets a list of one value as a list, and not as the text that it is in the address. */
  private set(filter: Filter, values: readonly string[]): void {
    this.query.set(this.route, { [filter.name]: filter.isMany ? values : (values.at(-1) ?? null) });
  }

  protected clear(): void {
    this.query.set(
      this.route,
      Object.fromEntries(this.filters().map((filter) => [filter.name, null])),
    );
  }
}
