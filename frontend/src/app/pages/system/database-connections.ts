import { Component, input } from '@angular/core';
import type { RelationLock, ServerConnection } from '../../api/types.gen';
import { SecondsPipe } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';

/** The program's connections to the server, and the locks on tables. */
@Component({
  selector: 'app-database-connections',
  imports: [Panel, SecondsPipe, Time],
  templateUrl: './database-connections.html',
})
export class DatabaseConnections {
  readonly connections = input.required<readonly ServerConnection[]>();
  readonly locks = input.required<readonly RelationLock[]>();
}
