data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

resource "aws_security_group" "job" {
  name        = "${var.name}-job"
  description = "Executors of trade-ingest"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "The database of trade-ingest"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_security_group" "endpoint" {
  name        = "${var.name}-endpoint"
  description = "The way of trade-ingest to Secrets Manager"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "database_from_job" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.job.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "job_to_database" {
  security_group_id            = aws_security_group.job.id
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "endpoint_from_job" {
  security_group_id            = aws_security_group.endpoint.id
  referenced_security_group_id = aws_security_group.job.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "job_to_endpoint" {
  security_group_id            = aws_security_group.job.id
  referenced_security_group_id = aws_security_group.endpoint.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "job_to_s3" {
  security_group_id = aws_security_group.job.id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "job_from_job" {
  security_group_id            = aws_security_group.job.id
  referenced_security_group_id = aws_security_group.job.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "job_to_job" {
  security_group_id            = aws_security_group.job.id
  referenced_security_group_id = aws_security_group.job.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = var.vpc_id
  service_name      = "com.amazonaws.${data.aws_region.current.id}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.route_table_ids
  tags              = var.tags
}

resource "aws_vpc_endpoint" "secretsmanager" {
  vpc_id              = var.vpc_id
  service_name        = "com.amazonaws.${data.aws_region.current.id}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = var.subnet_ids
  security_group_ids  = [aws_security_group.endpoint.id]
  private_dns_enabled = true
  tags                = var.tags
}
