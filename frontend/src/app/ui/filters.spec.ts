import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { Filter, Filters } from './filters';
import { Sort } from './sort';

const FILTERS: readonly Filter[] = [
  {
    name: 'state',
    label: 'State',
    kind: 'choice',
    options: ['failed', 'rolled_back'],
    isMany: true,
  },
  { name: 'source', label: 'Source', kind: 'text' },
];

@Component({
  imports: [Filters, Sort],
  template: `
    <app-filters [filters]="filters" />
    <table>
      <tr>
        <th appSort="-rows" by="rows">Rows</th>
        <th appSort="-rows" by="bytes">Bytes</th>
      </tr>
    </table>
  `,
})
class Host {
  readonly filters = FILTERS;
}

async function open(
  path: string,
): Promise<{ element: HTMLElement; harness: RouterTestingHarness }> {
  TestBed.configureTestingModule({
    providers: [provideRouter([{ path: 'list', component: Host }])],
  });
  const harness = await RouterTestingHarness.create(path);
  return { element: harness.routeNativeElement?.parentElement as HTMLElement, harness };
}

const chips = (element: HTMLElement): string[] =>
  [...element.querySelectorAll('li:not(.all)')].map((chip) =>
    (chip.textContent || '').replace(/[\s✕]+/g, ' ').trim(),
  );

describe('Filters', () => {
  it('shows a chip for each filter that the address has', async () => {
    const { element } = await open('/list?state=failed&state=rolled_back&source=btc&other=1');

    expect(chips(element)).toEqual(['State: failed', 'State: rolled back', 'Source: btc']);
  });

  it('puts a choice into the address beside those that are there', async () => {
    const { element, harness } = await open('/list?state=failed&other=1');
    const select = element.querySelector('select') as HTMLSelectElement;

    select.value = 'rolled_back';
    select.dispatchEvent(new Event('change'));
    await harness.fixture.whenStable();

    expect(TestBed.inject(Router).url).toBe('/list?state=failed&state=rolled_back&other=1');
    expect(chips(element)).toEqual(['State: failed', 'State: rolled back']);
  });

  it('takes one filter out, or all of them, and nothing else', async () => {
    const { element, harness } = await open(
      '/list?state=failed&state=rolled_back&source=btc&other=1',
    );

    element
      .querySelector<HTMLButtonElement>('[aria-label="Remove the filter State failed"]')
      ?.click();
    await harness.fixture.whenStable();
    expect(TestBed.inject(Router).url).toBe('/list?state=rolled_back&source=btc&other=1');

    element.querySelector<HTMLButtonElement>('.all button')?.click();
    await harness.fixture.whenStable();
    expect(TestBed.inject(Router).url).toBe('/list?other=1');
  });
});

describe('Sort', () => {
  it('tells the order, turns it round, and begins with the greatest', async () => {
    const { element, harness } = await open('/list');
    const heads = [...element.querySelectorAll('th')];
    expect(heads.map((head) => head.getAttribute('aria-sort'))).toEqual(['descending', null]);

    heads[0]?.querySelector('button')?.click();
    await harness.fixture.whenStable();
    expect(TestBed.inject(Router).url).toBe('/list?sort=rows');

    heads[1]?.querySelector('button')?.click();
    await harness.fixture.whenStable();
    expect(TestBed.inject(Router).url).toBe('/list?sort=-bytes');
  });
});
