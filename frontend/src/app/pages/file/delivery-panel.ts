import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FileDetail } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';
import { compare, headerChanges } from './delivery';

/** What a new delivery of a file changed against the version before. */
@Component({
  selector: 'app-delivery',
  imports: [Panel, RouterLink, Time],
  templateUrl: './delivery-panel.html',
})
export class DeliveryPanel {
  readonly detail = input.required<FileDetail>();
  /** The version before. */
  readonly before_file_id = input.required<number>();
  protected readonly before = load<FileDetail>(() => apiUrl(`/files/${this.before_file_id()}`));
  protected readonly rows = computed(() => {
    const before = this.before.value();
    return before ? compare(before, this.detail()) : [];
  });
  protected readonly header = computed(() =>
    headerChanges(this.before.value()?.header ?? null, this.detail().header),
  );
  protected readonly isHeaderKnown = computed(
    () => !!this.before.value()?.header && !!this.detail().header,
  );
}
