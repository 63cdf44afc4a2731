resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = var.tags
}

# docs/how-to/performance.md says why; none of it gives up durability
resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres18"
  family = "postgres18"
  tags   = var.tags

  parameter {
    name  = "max_wal_size"
    value = "4096" # MB
  }

  parameter {
    name  = "checkpoint_timeout"
    value = "900" # seconds
  }

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name         = "max_connections"
    value        = tostring(var.database_connections)
    apply_method = "pending-reboot"
  }
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = "18"
  instance_class = var.database_instance_class
  db_name        = "trades"
  tags           = var.tags

  # RDS makes the administrator's password and keeps it in Secrets Manager: it is neither here nor in the state
  username                    = "postgres"
  manage_master_user_password = true

  allocated_storage     = var.database_storage_gib
  max_allocated_storage = 4 * var.database_storage_gib
  storage_type          = "gp3"
  storage_encrypted     = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  parameter_group_name   = aws_db_parameter_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false

  backup_retention_period         = 7
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = "${var.name}-final"
  enabled_cloudwatch_logs_exports = ["postgresql"]
  performance_insights_enabled    = true
}

# The URL of the loader, put in by hand (README.md): Terraform would keep it in its state.
resource "aws_secretsmanager_secret" "database_url" {
  name        = "${var.name}/database-url"
  description = "URL with which trade-ingest reaches the database."
  tags        = var.tags
}
